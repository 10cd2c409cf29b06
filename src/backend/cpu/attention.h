// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention within a sequence, in f32.
#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/distance_scores.h"
#include "backend/cpu/kernels.h"

namespace emberline::cpu {

// Columns of the panels that pad a matrix of `cols` columns least.
int64_t fitting_panel(const Kernels& kernels, int64_t cols);

// Scratch of one thread: the keys and values of one head and the scores of a block of queries, so it grows with the
// longest sequence and not with its square.
class Attention {
 public:
  explicit Attention(const Kernels& kernels) : kernels_(kernels), distance_scores_(kernels) {}

  // out = softmax(scale q k^T) v of one sequence, for heads [first_head, end_head) of the keys and all query heads that
  // see them; see Stream::self_attention. Norms and turns the queries and keys of these heads in place where the shape
  // says so.
  void run(MatrixView qkv, int64_t first_head, int64_t end_head, const AttentionShape& shape, MatrixView out);

 private:
  // Queries that see the same keys: k and v are [rows, head_dim] of one head, q and out all heads that go with it, side
  // by side. Query 0 stands where key `lead` does.
  struct Span {
    MatrixView q, k, v, out;
    int64_t lead = 0;
  };

  void turn_heads(MatrixView heads, const Buffer* norm, const AttentionShape& shape);
  void run_head(const Span& head, const AttentionShape& shape, const float* bias);
  void run_span(const Span& span, const AttentionShape& shape, const float* bias);
  // Scores of these queries, the first of which is token `first` of the span's keys, become exponentials;
  // `inverse_sums_` what they are to be multiplied by.
  void weigh(MatrixView scores, MatrixView queries, int64_t first, const AttentionShape& shape, const float* bias);

  const Kernels& kernels_;
  AlignedFloats keys_;
  AlignedFloats values_;
  AlignedFloats scores_;
  AlignedFloats inverse_sums_;
  DistanceScores distance_scores_;
};

}  // namespace emberline::cpu
