// SPDX-License-Identifier: Apache-2.0
#pragma once
// The middle of a gated feed-forward, of rows that are bf16 already: half the memory of f32, and one pass less. For
// kernels files that are compiled with AVX512_BF16.
#include "backend/cpu/bf16_rotation.h"
#include "backend/cpu/bf16_rowwise_body.h"
#include "backend/cpu/int8_from_bf16.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

// to[i] = activation(row[i]) * row[cols + i]; `to` may be row.
template <typename Activated>
inline void gate_row(const uint16_t* row, int64_t cols, Activated activated, uint16_t* to) {
  for_vectors(cols, [&](int64_t i, int, auto lanes) {
    store_bf16(to + i, activated(load_bf16(row + i, lanes)) * load_bf16(row + cols + i, lanes), lanes);
  });
}

void gate_to_bf16(Bf16View x, Activation activation, OperandView out) {
  with_coarse_activation(activation, [&](auto activated) {
    for (int64_t r = 0; r < x.rows; ++r) {
      gate_row(x.data + r * x.row_stride, out.cols, activated, bf16_row(out, r));
      clear_tail(bf16_row(out, r), out);
    }
  });
}

// Writes over the first half of x, whose row_stride is a multiple of kHalves.
void gate_to_int8(Bf16View x, Activation activation, OperandView out) {
  const int64_t padded = (out.cols + kHalves - 1) / kHalves * kHalves;
  with_coarse_activation(activation, [&](auto activated) {
    for (int64_t r = 0; r < x.rows; ++r) {
      uint16_t* row = x.data + r * x.row_stride;
      gate_row(row, out.cols, activated, row);
      for (int64_t i = out.cols; i < padded; ++i) row[i] = 0;
      store_int8_row_of_bf16(row, r, out);
    }
  });
}

}  // namespace
}  // namespace emberline::cpu
