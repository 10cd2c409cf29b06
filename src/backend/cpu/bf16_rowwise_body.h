// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes operands in bf16. Included by a kernels file after its vector_<isa>.h and store_bf16(uint16_t*, Vec), which
// rounds to even as vcvtneps2bf16 does: denormals become zeros of their sign, NaN stays NaN.
//
// The last vector of a row is stored whole: rows are padded to 64 bytes, and zeros follow.
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/row_passes.h"

namespace emberline::cpu {
namespace {

inline uint16_t* bf16_row(const OperandView& operand, int64_t r) {
  return static_cast<uint16_t*>(operand.data) + r * operand.row_stride;
}

void quantise_bf16(MatrixView x, const float* factors, OperandView out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* row = x.data + r * x.row_stride;
    uint16_t* to = bf16_row(out, r);
    for_vectors(x.cols, [&](int64_t i, int, auto lanes) {
      store_bf16(to + i, times(load(row + i, lanes), factors, i, lanes));
    });
    clear_tail(to, out);
  }
}

void norm_bf16(MatrixView x, MatrixView residual, const NormView& weights, const float* factors, MatrixView hidden,
               OperandView out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* other = residual.data != nullptr ? residual.data + r * residual.row_stride : nullptr;
    uint16_t* to = bf16_row(out, r);
    norm_row(x.data + r * x.row_stride, other, x.cols, weights, hidden.data + r * hidden.row_stride,
             [&](int64_t i, int, Vec v, auto lanes) { store_bf16(to + i, times(v, factors, i, lanes)); });
    clear_tail(to, out);
  }
}

}  // namespace
}  // namespace emberline::cpu
