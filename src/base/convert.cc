// SPDX-License-Identifier: Apache-2.0
#include "base/convert.h"

#include <bit>
#include <cstring>

#include "base/error.h"

namespace emberline {
namespace {

uint16_t half_word(const std::byte* data) {
  uint16_t word = 0;
  std::memcpy(&word, data, sizeof(word));
  return word;
}

float from_bf16(uint16_t word) {
  return std::bit_cast<float>(uint32_t{word} << 16);
}

float from_f16(uint16_t word) {
  const uint32_t sign = uint32_t{word & 0x8000U} << 16;
  const uint32_t magnitude = word & 0x7fffU;
  if (magnitude >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | ((magnitude & 0x3ffU) << 13));
  // Shifting the exponent into place and multiplying by 2^112 is exact for normal and denormal numbers alike.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
}

}  // namespace

uint16_t to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000U;
  uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<uint16_t>(sign | 0x7e00U);
  if (magnitude >= 0x477ff000U) return static_cast<uint16_t>(sign | 0x7c00U);
  if (magnitude < 0x38800000U) {
    // A denormal: beside 0.5 the last place of an f32 is that of the denormal, so that the sum rounds it.
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - 0x3f000000U));
  }
  const uint32_t odd = (magnitude >> 13) & 1U;
  magnitude += 0xfffU + odd;
  magnitude -= 112U << 23;  // what the exponents of the two are apart
  return static_cast<uint16_t>(sign | (magnitude >> 13));
}

void convert_to_f32(const TensorView& tensor, int64_t first, int64_t count, float* out) {
  if (count == 0) return;
  const std::byte* data = tensor.data + static_cast<size_t>(first) * dtype_bytes(tensor.dtype);
  switch (tensor.dtype) {
    case DType::kF32: std::memcpy(out, data, static_cast<size_t>(count) * sizeof(float)); return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) out[i] = from_f16(half_word(data + 2 * i));
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) out[i] = from_bf16(half_word(data + 2 * i));
      return;
    case DType::kI8: break;
  }
  fail(Code::kUnsupported, "tensor {}: got type {}, expected f32, f16 or bf16", tensor.name, dtype_name(tensor.dtype));
}

std::vector<float> to_f32(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.size()));
  convert_to_f32(tensor, 0, tensor.size(), values.data());
  return values;
}

std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t cols) {
  std::vector<float> turned(values.size());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < cols; ++col) {
      turned[static_cast<size_t>(col * rows + row)] = values[static_cast<size_t>(row * cols + col)];
    }
  }
  return turned;
}

}  // namespace emberline
