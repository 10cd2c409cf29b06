// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/distance_scores.h"

#include <algorithm>

#include "backend/cpu/attention.h"
#include "base/error.h"

namespace emberline::cpu {

void DistanceScores::begin(const DistanceTerms& terms, MatrixView keys, int64_t first_column) {
  const int64_t farthest = keys.rows - 1;
  check(farthest <= terms.reach, Code::kInternal, "attention: got {} tokens, but terms for distances up to {}",
        keys.rows, terms.reach);
  row_of_ = terms.row_of.data() + terms.reach;
  // Rows rise or fall with the distance, so the farthest tokens have the outermost ones.
  const auto [least, most] = std::minmax(row_of_[-farthest], row_of_[farthest]);
  first_row_ = least;
  num_rows_ = most - least + 1;
  cols_ = terms.cols;
  head_dim_ = keys.cols;
  by_query_ = pack(terms.by_query.get(), first_column, query_panels_);
  key_scores_ = {};
  if (terms.by_key == nullptr) return;
  key_scores_ = reserve_matrix(key_memory_, keys.rows, round_up(num_rows_, kernels_.wide_panel));
  key_scores_.cols = num_rows_;
  kernels_.product(keys, pack(terms.by_key.get(), first_column, key_panels_), Activation::kNone, key_scores_);
}

PanelsView DistanceScores::pack(const Buffer* rows, int64_t first_column, AlignedFloats& memory) const {
  if (rows == nullptr) return {};
  const int64_t panel = fitting_panel(kernels_, num_rows_);
  float* panels = memory.reserve(checked_product(round_up(num_rows_, panel), head_dim_, "attention"));
  kernels_.pack_transposed({rows->data() + first_row_ * cols_ + first_column, num_rows_, head_dim_, cols_}, panel,
                           panels);
  return {.data = panels, .bias = nullptr, .k = head_dim_, .cols = num_rows_, .panel_cols = panel};
}

void DistanceScores::add(MatrixView queries, int64_t first, float scale, MatrixView scores) {
  MatrixView query_scores;
  if (by_query_.data != nullptr) {
    query_scores = reserve_matrix(query_memory_, queries.rows, round_up(num_rows_, kernels_.wide_panel));
    query_scores.cols = num_rows_;
    kernels_.product(queries, by_query_, Activation::kNone, query_scores);
  }
  kernels_.distance_scores(
      scores, scale,
      {.by_query = query_scores, .by_key = key_scores_, .row_of = row_of_ - first, .first_row = first_row_});
}

}  // namespace emberline::cpu
