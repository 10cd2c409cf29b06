// SPDX-License-Identifier: Apache-2.0
#pragma once
// Element types and the plain view of a tensor that lies in host memory.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace emberline {

enum class DType { kF32, kF16, kBF16, kI8 };

constexpr size_t dtype_bytes(DType dtype) {
  return dtype == DType::kF32 ? 4 : dtype == DType::kI8 ? 1 : 2;
}

constexpr const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "f32";
    case DType::kF16: return "f16";
    case DType::kBF16: return "bf16";
    case DType::kI8: return "int8";
  }
  return "unknown";
}

// A tensor in a model file: row-major, borrowed from the file's mapping. `data` may be unaligned.
struct TensorView {
  std::string name;  // "encoder.layer.0.attention.self.query.weight"
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;

  int64_t size() const {
    int64_t elements = 1;
    for (const int64_t extent : shape) elements *= extent;
    return elements;
  }
};

}  // namespace emberline
