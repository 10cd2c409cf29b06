// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/attention.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace emberline::cpu {
namespace {

// Scores of one block of queries, sized for the second-level cache next to the head's keys and values.
constexpr int64_t kScoreFloats = 64 * 1024;
constexpr int64_t kFewestQueries = 24;

// What a query in the middle of a window does not see counts nothing.
void hide_outside(MatrixView scores, int64_t first, int64_t window) {
  constexpr float kHidden = -std::numeric_limits<float>::infinity();
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* row = scores.data + r * scores.row_stride;
    const int64_t begin = std::clamp<int64_t>(first + r - window, 0, scores.cols);
    const int64_t end = std::clamp<int64_t>(first + r + window + 1, 0, scores.cols);
    std::fill(row, row + begin, kHidden);
    std::fill(row + end, row + scores.cols, kHidden);
  }
}

}  // namespace

int64_t fitting_panel(const Kernels& kernels, int64_t cols) {
  return round_up(cols, kernels.narrow_panel) < round_up(cols, kernels.wide_panel) ? kernels.narrow_panel
                                                                                   : kernels.wide_panel;
}

void Attention::run(MatrixView qkv, int64_t first_head, int64_t end_head, const AttentionShape& shape, MatrixView out) {
  const int64_t hidden = shape.num_heads * shape.head_dim;
  const int64_t reach = shape.bias_reach;
  check(shape.distance_bias == nullptr || qkv.rows <= reach + 1, Code::kInternal,
        "attention: got {} tokens, but a bias for distances up to {}", qkv.rows, reach);
  check(shape.distance_terms == nullptr || shape.window == 0, Code::kInternal,
        "attention: got terms of distances and a window of {}, expected one of them", shape.window);
  if (shape.rotation != nullptr) {
    const int64_t first = first_head * shape.head_dim;
    const int64_t cols = end_head * shape.head_dim - first;
    kernels_.rotate(columns_of(qkv, first, cols), shape.rotation->data(), shape.head_dim);
    kernels_.rotate(columns_of(qkv, hidden + first, cols), shape.rotation->data(), shape.head_dim);
  }
  for (int64_t head = first_head; head < end_head; ++head) {
    const int64_t first = head * shape.head_dim;
    const Span span = {.q = columns_of(qkv, first, shape.head_dim),
                       .k = columns_of(qkv, hidden + first, shape.head_dim),
                       .v = columns_of(qkv, 2 * hidden + first, shape.head_dim),
                       .out = columns_of(out, first, shape.head_dim)};
    const float* bias =
        shape.distance_bias != nullptr ? shape.distance_bias->data() + head * (2 * reach + 1) + reach : nullptr;
    if (shape.distance_terms != nullptr) distance_scores_.begin(*shape.distance_terms, span.k, first);
    run_head(span, shape, bias);
  }
}

// `bias` here and below is that of distance 0.
void Attention::run_head(const Span& head, const AttentionShape& shape, const float* bias) {
  const int64_t len = head.q.rows;
  const int64_t window = shape.window;
  if (window == 0) return run_span(head, shape, bias);
  // Blocks as long as what they see on either side, so that what is computed in vain stays a share of what is needed.
  const int64_t block = std::max(kFewestQueries, window);
  for (int64_t first = 0; first < len; first += block) {
    const int64_t count = std::min(block, len - first);
    const int64_t first_key = std::max<int64_t>(0, first - window);
    const int64_t num_keys = std::min(len, first + count + window) - first_key;
    const Span span = {.q = rows_of(head.q, first, count),
                       .k = rows_of(head.k, first_key, num_keys),
                       .v = rows_of(head.v, first_key, num_keys),
                       .out = rows_of(head.out, first, count),
                       .lead = first - first_key};
    run_span(span, shape, bias);
  }
}

void Attention::run_span(const Span& span, const AttentionShape& shape, const float* bias) {
  const int64_t len = span.k.rows;
  const int64_t dim = span.q.cols;
  const int64_t key_panel = fitting_panel(kernels_, len);
  const int64_t value_panel = fitting_panel(kernels_, dim);
  const int64_t padded_len = round_up(len, key_panel);
  const int64_t padded_dim = round_up(dim, value_panel);
  const int64_t block = std::min(span.q.rows, std::max(kFewestQueries, kScoreFloats / padded_len));
  const PanelsView keys = {keys_.reserve(checked_product(padded_len, dim, "attention")), nullptr, dim, len, key_panel};
  const PanelsView values = {values_.reserve(checked_product(padded_dim, len, "attention")), nullptr, len, dim,
                             value_panel};
  scores_.reserve(checked_product(block, padded_len, "attention"));
  inverse_sums_.reserve(block);
  kernels_.pack_transposed(span.k, key_panel, keys_.data());
  kernels_.pack(span.v, value_panel, values_.data());
  for (int64_t first = 0; first < span.q.rows; first += block) {
    const int64_t count = std::min(block, span.q.rows - first);
    const MatrixView scores = {scores_.data(), count, len, padded_len};
    const MatrixView to = rows_of(span.out, first, count);
    const MatrixView queries = rows_of(span.q, first, count);
    kernels_.product(queries, keys, Activation::kNone, scores);
    weigh(scores, queries, span.lead + first, shape, bias);
    kernels_.product(scores, values, Activation::kNone, to);
    kernels_.scale_rows(to, inverse_sums_.data());
  }
}

void Attention::weigh(MatrixView scores, MatrixView queries, int64_t first, const AttentionShape& shape,
                      const float* bias) {
  float scale = shape.scale;  // still to come
  if (shape.distance_terms != nullptr) {
    distance_scores_.add(queries, first, scale, scores);
    scale = 1.0F;
  }
  if (bias != nullptr) {
    kernels_.bias_scores(scores, scale, bias - first);
    scale = 1.0F;
  }
  if (shape.window > 0) hide_outside(scores, first, shape.window);
  kernels_.softmax(scores, scale, inverse_sums_.data());
}

}  // namespace emberline::cpu
