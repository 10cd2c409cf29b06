// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention within each sequence of a packed batch.
#include <cstdint>
#include <span>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/kernels.h"

namespace emberline::cpu {

// Scratch of one thread: the keys and values of one head and the scores of a block of queries, so it grows with the
// longest sequence and not with its square.
class Attention {
 public:
  explicit Attention(const Kernels& kernels) : kernels_(kernels) {}

  // out = softmax(scale q k^T) v for each sequence and head; see Stream::attention.
  void run(MatrixView qkv, std::span<const int64_t> seq_offsets, const AttentionShape& shape, MatrixView out);

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
