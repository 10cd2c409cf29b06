// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which instruction set's kernels to run.
#include <string>

#include "backend/cpu/kernels.h"
#include "backend/cpu/low_kernels.h"
#include "base/tensor.h"

namespace emberline::cpu {

struct IsaChoice {
  const Kernels* kernels = nullptr;  // everything in f32
  const LowKernels* low = nullptr;   // products of operands in another dtype; null for f32
  std::string remark;                // why not the best that the processor has; empty where it is the best
};

// `wanted` is "auto" (EMBERLINE_ISA if set, else the best that the processor has), "portable", "avx2", "avxvnni",
// "avx512" or "amx". Throws Error(kInvalidArgument) on another word and Error(kUnsupported) where the processor lacks
// it or it has no products of that dtype; the messages list what there is.
IsaChoice choose_isa(const std::string& wanted, DType dtype);

// Whether products of bf16 run faster than those of f32 under the instruction set that "auto" would take.
bool bf16_pays();

}  // namespace emberline::cpu
