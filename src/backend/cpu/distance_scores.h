// SPDX-License-Identifier: Apache-2.0
#pragma once
// What queries and keys add to the scores of one head by the distance between them (DistanceTerms), in f32.
#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/kernels.h"

namespace emberline::cpu {

// Scratch of one thread: the products of one head with the rows of distances that its sequence spans.
class DistanceScores {
 public:
  explicit DistanceScores(const Kernels& kernels) : kernels_(kernels) {}

  // Before the queries of a head whose keys [len, head_dim] these are; its columns of the terms begin at first_column.
  void begin(const DistanceTerms& terms, MatrixView keys, int64_t first_column);

  // scores [rows, len] = scale * (scores + terms) of queries [rows, head_dim], the first of which is token `first`.
  void add(MatrixView queries, int64_t first, float scale, MatrixView scores);

 private:
  PanelsView pack(const Buffer* rows, int64_t first_column, AlignedFloats& memory) const;

  const Kernels& kernels_;
  const int32_t* row_of_ = nullptr;  // of distance 0
  int64_t first_row_ = 0;
  int64_t num_rows_ = 0;
  int64_t cols_ = 0;  // of the terms
  int64_t head_dim_ = 0;
  PanelsView by_query_;    // rows that queries are multiplied by; no data for none
  MatrixView key_scores_;  // [len, num_rows_]; no data for none
  AlignedFloats query_panels_;
  AlignedFloats key_panels_;
  AlignedFloats query_memory_;
  AlignedFloats key_memory_;
};

}  // namespace emberline::cpu
