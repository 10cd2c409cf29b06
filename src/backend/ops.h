// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vocabulary of the fused operations: plain enums and the matrix view, free of the standard library so that files
// compiled for one instruction set may include it.
#include <stdint.h>

namespace emberline {

enum class Activation { kNone, kGelu, kGeluTanh, kQuickGelu, kRelu, kSilu, kTanh };
enum class LayerOp { kMean, kSum, kConcat, kMax };
enum class Pooling { kMean, kCls, kMax, kLast, kWeightedMean, kMeanSqrtLen };

// A row-major f32 matrix in device memory; borrowed. Hidden states stay f32 between operations at every compute dtype;
// what a product quantises is its own affair.
struct MatrixView {
  float* data = nullptr;  // [rows, cols] at row_stride
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_stride = 0;  // in elements
};

constexpr MatrixView rows_of(const MatrixView& m, int64_t first, int64_t count) {
  return {m.data + first * m.row_stride, count, m.cols, m.row_stride};
}
constexpr MatrixView columns_of(const MatrixView& m, int64_t first, int64_t count) {
  return {m.data + first, m.rows, count, m.row_stride};
}

}  // namespace emberline
