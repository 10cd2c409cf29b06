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
// Queries of a block where each sees the keys before it alone: what is computed in vain is half a block of keys.
constexpr int64_t kCausalQueries = 64;

// What a query in the middle of a window does not see counts nothing, nor what stands behind a causal one.
void hide_unseen(MatrixView scores, int64_t first, const AttentionShape& shape) {
  constexpr float kHidden = -std::numeric_limits<float>::infinity();
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* row = scores.data + r * scores.row_stride;
    const int64_t query = first + r;
    const int64_t begin = shape.window > 0 ? std::clamp<int64_t>(query - shape.window, 0, scores.cols) : 0;
    const int64_t end = std::clamp<int64_t>(query + (shape.causal ? 0 : shape.window) + 1, 0, scores.cols);
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
  const int64_t dim = shape.head_dim;
  const int64_t cols = shape.heads_per_key() * dim;  // of queries that go with one head of keys
  const int64_t reach = shape.bias_reach;
  check(shape.distance_bias == nullptr || qkv.rows <= reach + 1, Code::kInternal,
        "attention: got {} tokens, but a bias for distances up to {}", qkv.rows, reach);
  check(shape.distance_terms == nullptr || (shape.window == 0 && shape.heads_per_key() == 1), Code::kInternal,
        "attention: got terms of distances, a window of {} and {} heads a key, expected no window and one head",
        shape.window, shape.heads_per_key());
  const int64_t num_heads = end_head - first_head;
  turn_heads(columns_of(qkv, first_head * cols, num_heads * cols), shape.query_norm, shape);
  turn_heads(columns_of(qkv, shape.keys_at() + first_head * dim, num_heads * dim), shape.key_norm, shape);
  for (int64_t head = first_head; head < end_head; ++head) {
    const Span span = {.q = columns_of(qkv, head * cols, cols),
                       .k = columns_of(qkv, shape.keys_at() + head * dim, dim),
                       .v = columns_of(qkv, shape.values_at() + head * dim, dim),
                       .out = columns_of(out, head * cols, cols)};
    const int64_t query_head = head * shape.heads_per_key();
    const float* bias =
        shape.distance_bias != nullptr ? shape.distance_bias->data() + query_head * (2 * reach + 1) + reach : nullptr;
    if (shape.distance_terms != nullptr) distance_scores_.begin(*shape.distance_terms, span.k, head * dim);
    run_head(span, shape, bias);
  }
}

void Attention::turn_heads(MatrixView heads, const Buffer* norm, const AttentionShape& shape) {
  if (norm != nullptr) kernels_.norm_heads(heads, norm->data(), shape.norm_eps, shape.head_dim);
  if (shape.rotation != nullptr) kernels_.rotate(heads, shape.rotation->data(), shape.head_dim);
}

// `bias` here and below is that of distance 0, of the first query head.
void Attention::run_head(const Span& head, const AttentionShape& shape, const float* bias) {
  const int64_t len = head.q.rows;
  const int64_t window = shape.window;
  if (window == 0 && !shape.causal) return run_span(head, shape, bias);
  // Blocks as long as what they see on either side, so that what is computed in vain stays a share of what is needed.
  int64_t block = window > 0 ? std::max(kFewestQueries, window) : kCausalQueries;
  if (shape.causal) block = std::min(block, kCausalQueries);
  for (int64_t first = 0; first < len; first += block) {
    const int64_t count = std::min(block, len - first);
    const int64_t first_key = window > 0 ? std::max<int64_t>(0, first - window) : 0;
    const int64_t num_keys = std::min(len, first + count + (shape.causal ? 0 : window)) - first_key;
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
  const int64_t dim = span.k.cols;
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
    for (int64_t head = 0; head * dim < span.q.cols; ++head) {
      const MatrixView queries = columns_of(rows_of(span.q, first, count), head * dim, dim);
      const MatrixView to = columns_of(rows_of(span.out, first, count), head * dim, dim);
      const float* head_bias = bias != nullptr ? bias + head * (2 * shape.bias_reach + 1) : nullptr;
      kernels_.product(queries, keys, Activation::kNone, scores);
      weigh(scores, queries, span.lead + first, shape, head_bias);
      kernels_.product(scores, values, Activation::kNone, to);
      kernels_.scale_rows(to, inverse_sums_.data());
    }
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
  if (shape.window > 0 || shape.causal) hide_unseen(scores, first, shape);
  kernels_.softmax(scores, scale, inverse_sums_.data());
}

}  // namespace emberline::cpu
