// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/attention.h"

#include <algorithm>

namespace emberline::cpu {
namespace {

// Scores of one block of queries, sized for the second-level cache next to the head's keys and values.
constexpr int64_t kScoreFloats = 64 * 1024;
constexpr int64_t kFewestQueries = 24;

int64_t fitting_panel(const Kernels& kernels, int64_t cols) {
  return round_up(cols, kernels.narrow_panel) < round_up(cols, kernels.wide_panel) ? kernels.narrow_panel
                                                                                   : kernels.wide_panel;
}

}  // namespace

void Attention::run(MatrixView qkv, int64_t first_head, int64_t end_head, const AttentionShape& shape, MatrixView out) {
  const int64_t hidden = shape.num_heads * shape.head_dim;
  for (int64_t head = first_head; head < end_head; ++head) {
    const int64_t first = head * shape.head_dim;
    run_head(columns_of(qkv, first, shape.head_dim), columns_of(qkv, hidden + first, shape.head_dim),
             columns_of(qkv, 2 * hidden + first, shape.head_dim), shape.scale, columns_of(out, first, shape.head_dim));
  }
}

void Attention::run_head(MatrixView q, MatrixView k, MatrixView v, float scale, MatrixView out) {
  const int64_t len = q.rows;
  const int64_t key_panel = fitting_panel(kernels_, len);
  const int64_t value_panel = fitting_panel(kernels_, q.cols);
  const int64_t padded_len = round_up(len, key_panel);
  const int64_t padded_dim = round_up(q.cols, value_panel);
  const int64_t block = std::min(len, std::max(kFewestQueries, kScoreFloats / padded_len));
  const PanelsView keys = {keys_.reserve(checked_product(padded_len, q.cols, "attention")), nullptr, q.cols, len,
                           key_panel};
  const PanelsView values = {values_.reserve(checked_product(padded_dim, len, "attention")), nullptr, len, q.cols,
                             value_panel};
  scores_.reserve(checked_product(block, padded_len, "attention"));
  inverse_sums_.reserve(block);
  kernels_.pack_transposed(k, key_panel, keys_.data());
  kernels_.pack(v, value_panel, values_.data());
  for (int64_t first = 0; first < len; first += block) {
    const int64_t count = std::min(block, len - first);
    const MatrixView scores = {scores_.data(), count, len, padded_len};
    const MatrixView to = rows_of(out, first, count);
    kernels_.product(rows_of(q, first, count), keys, Activation::kNone, scores);
    kernels_.softmax(scores, scale, inverse_sums_.data());
    kernels_.product(scores, values, Activation::kNone, to);
    kernels_.scale_rows(to, inverse_sums_.data());
  }
}

}  // namespace emberline::cpu
