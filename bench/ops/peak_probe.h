// SPDX-License-Identifier: Apache-2.0
#pragma once
// The most arithmetic that one core does now: what a kernel's speed is a share of.
#include <string>

namespace emberline {

// GFLOP/s of independent multiply-adds in registers: in f32 at the vector width of an instruction set ("portable",
// "avx2", "avx512"), in a lower precision as its kernels multiply ("avx512_bf16", "avx512_int8", "avxvnni_int8",
// "avx2_int8"), or in tiles ("amx_bf16", "amx_int8"; the process must have permission). The best of several bursts of
// about a millisecond; the processor must have the instruction.
double peak_gflops(const std::string& isa);

// The best of three short bursts, within a fifth of a millisecond: the peak at the clock of this very moment.
double burst_gflops(const std::string& isa);

}  // namespace emberline
