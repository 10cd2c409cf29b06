// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rows of DistanceTerms in bf16, as attention with tiles multiplies them: packed once, read by all streams.
#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {

class DistanceTiles final : public PackedTerms {
 public:
  // Of terms that still have their rows. Throws Error(kOutOfMemory).
  DistanceTiles(const DistanceTerms& terms, int64_t num_heads);

  // From this head on.
  TermsView view(int64_t first_head) const;

 private:
  // words [heads, head_stride_] = the rows of `source` that columns have; place(column, dim) is where within a head.
  template <typename Place>
  void pack(const Buffer& source, const std::vector<int32_t>& rows, Place place, AlignedFloats& words);

  int64_t num_heads_;
  int64_t head_dim_;
  int64_t head_stride_ = 0;
  std::vector<int32_t> column_of_;  // as TermsView has it, from its least distance on
  int64_t zero_ = 0;                // where in it distance 0 stands
  std::vector<float> poison_;       // [heads]
  AlignedFloats by_query_;
  AlignedFloats by_key_;
};

}  // namespace emberline::cpu
