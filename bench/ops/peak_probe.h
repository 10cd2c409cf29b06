// SPDX-License-Identifier: Apache-2.0
#pragma once
// The most arithmetic that one core does now: what a kernel's speed is a share of.
#include <string>

namespace emberline {

// GFLOP/s of independent multiply-adds in registers, in f32 at the vector width of an instruction set ("portable",
// "avx2", "avx512") or in tiles ("amx_bf16", "amx_int8"; the process must have permission); the best of several bursts
// of about a millisecond.
double peak_gflops(const std::string& isa);

// The best of three short bursts, within a fifth of a millisecond: the peak at the clock of this very moment.
double burst_gflops(const std::string& isa);

}  // namespace emberline
