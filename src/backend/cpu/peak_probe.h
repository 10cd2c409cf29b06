// SPDX-License-Identifier: Apache-2.0
#pragma once
// The most arithmetic that one core does now: what a kernel's speed is a share of. 0 on other processors than x86-64.
#include <cstdint>
#include <string>

#include "base/tensor.h"

namespace emberline::cpu {

// GFLOP/s of independent multiply-adds in registers: in f32 at the vector width of an instruction set ("portable",
// "avx2", "avx512"), in a lower precision as its kernels multiply ("avx512_bf16", "avx512_int8", "avxvnni_int8",
// "avx2_int8"), or in tiles ("amx_bf16", "amx_int8"; the process must have permission). The best of several bursts of
// about a millisecond; the processor must have the instruction.
double peak_gflops(const std::string& isa);

// The best of three short bursts, within a fifth of a millisecond: the peak at the clock of this very moment.
double burst_gflops(const std::string& isa);

// FLOP/s that num_threads threads reach together, each probed for some milliseconds: in f32, or as the kernels of an
// instruction set multiply a lower precision; "portable" has f32 alone.
double measured_peak(const std::string& isa, DType dtype, int64_t num_threads);

}  // namespace emberline::cpu
