// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention within a sequence, in f32.
#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/kernels.h"

namespace emberline::cpu {

// Scratch of one thread: the keys and values of one head and the scores of a block of queries, so it grows with the
// longest sequence and not with its square.
class Attention {
 public:
  explicit Attention(const Kernels& kernels) : kernels_(kernels) {}

  // out = softmax(scale q k^T) v of one sequence, heads [first_head, end_head); see Stream::self_attention.
  void run(MatrixView qkv, int64_t first_head, int64_t end_head, const AttentionShape& shape, MatrixView out);

 private:
  // q, k, v, out: one head of one sequence, [len, head_dim].
  void run_head(MatrixView q, MatrixView k, MatrixView v, float scale, MatrixView out);

  const Kernels& kernels_;
  AlignedFloats keys_;
  AlignedFloats values_;
  AlignedFloats scores_;
  AlignedFloats inverse_sums_;
};

}  // namespace emberline::cpu
