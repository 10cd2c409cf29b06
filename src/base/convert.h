// SPDX-License-Identifier: Apache-2.0
#pragma once
// Numbers of model files to f32, and of vectors to what is stored.
#include <cstdint>
#include <vector>

#include "base/tensor.h"

namespace emberline {

// Writes elements [first, first + count) of a tensor; its data may lie at any address. f32 (bits kept), f16 and bf16
// (both exact). Throws Error(kUnsupported) that names the tensor for other types.
void convert_to_f32(const TensorView& tensor, int64_t first, int64_t count, float* out);

// All elements of a tensor.
std::vector<float> to_f32(const TensorView& tensor);

// The transpose of values [rows, cols].
std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t cols);

// The nearest half-precision number, ties to even; from 65,520 on infinity, and NaN for NaN.
uint16_t to_f16(float value);

}  // namespace emberline
