// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of numbers as products in a lower precision read them. Free of the standard library, as kernels.h is.
#include <stdint.h>

namespace emberline::cpu {

// What one element of an operand or of packed weights is.
enum class Precision { kBf16, kInt8 };

constexpr int64_t bytes_of(Precision precision) {
  return precision == Precision::kBf16 ? 2 : 1;
}

// Borrowed rows of bf16 or int8. A row holds `cols` elements and zeros up to row_stride; rows lie at multiples of 64
// bytes. Memory reaches to a multiple of kOperandRows rows, so that a kernel may read whole tiles; what it finds beyond
// the last row is any bytes, and what it computes of them is dropped.
struct OperandView {
  void* data = nullptr;     // [rows, cols] at row_stride
  float* scales = nullptr;  // [rows] for int8: element times scale is the number; null for bf16
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_stride = 0;  // in elements: operand_stride(cols, precision)
};

constexpr int64_t kOperandRows = 32;

constexpr OperandView rows_of(const OperandView& x, int64_t first, int64_t count, Precision precision) {
  return {static_cast<char*>(x.data) + first * x.row_stride * bytes_of(precision),
          x.scales != nullptr ? x.scales + first : nullptr, count, x.cols, x.row_stride};
}

// Whole 64-byte lines, and never a multiple of 1024 bytes: tile rows that far apart would share one set of the
// first-level cache.
constexpr int64_t operand_stride(int64_t cols, Precision precision) {
  const int64_t line = 64 / bytes_of(precision);
  const int64_t stride = (cols + line - 1) / line * line;
  return stride * bytes_of(precision) % 1024 == 0 ? stride + line : stride;
}

// Weights of one product, packed by the kernels that will read them.
struct PackedView {
  const void* data = nullptr;     // LowKernels::packed_bytes(out_features, in_features)
  const float* bias = nullptr;    // [out_features rounded up to 64], zeros where the model has none
  const float* scales = nullptr;  // [out_features rounded up to 64] for int8: largest weight / kLargestInt8Weight
  int64_t in_features = 0;
  int64_t out_features = 0;
  const void* next = nullptr;  // weights that the thread reads after these, fetched into the second-level cache
  int64_t next_bytes = 0;      // meanwhile; may be null
};

}  // namespace emberline::cpu
