// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which instruction set's kernels to run.
#include <string>

#include "backend/cpu/kernels.h"

namespace emberline::cpu {

// `wanted` is "auto" (EMBERLINE_ISA if set, else the best that the processor has), "portable", "avx2" or "avx512".
// Throws Error(kInvalidArgument) on another word and Error(kUnsupported) where the processor lacks it; both list what
// it has.
const Kernels& choose_kernels(const std::string& wanted);

}  // namespace emberline::cpu
