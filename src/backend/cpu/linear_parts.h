// SPDX-License-Identifier: Apache-2.0
#pragma once
// Facts of matrices that are stacked along out_features.
#include <cstdint>
#include <span>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"

namespace emberline::cpu {

// Throws Error(kInvalidArgument) where there is no part or their widths differ.
int64_t common_in_features(std::span<const LinearPart> parts);
int64_t total_out_features(std::span<const LinearPart> parts);

// What the packed weights are called in a store.
std::string stored_name(std::span<const LinearPart> parts);

// [padded]: the parts' biases in f32 one after the other, zeros where a part has none and at the end.
AlignedFloats stacked_bias(std::span<const LinearPart> parts, int64_t padded);

}  // namespace emberline::cpu
