// SPDX-License-Identifier: Apache-2.0
#pragma once
// What attention adds to scores by the distance of two tokens: a learnt number for each bucket of distances and head
// (T5, arXiv 1910.10683, section 2.1).
#include <cstdint>
#include <vector>

#include "base/tensor.h"

namespace emberline {

// Bucket of a key that stands `distance` tokens behind its query. Near distances have buckets of their own, farther
// ones share them by their logarithm, and from `farthest` on all share the last; one half of the buckets is for either
// direction.
int64_t distance_bucket(int64_t distance, int64_t num_buckets, int64_t farthest = 128);

// [num_heads, 2 * reach + 1]: as AttentionShape::distance_bias, of a table [num_buckets, num_heads] of any float dtype.
std::vector<float> spread_distance_bias(const TensorView& table, int64_t reach, int64_t farthest = 128);

// The same of attention that takes the distance times a slope from scores, each head its own (ALiBi, arXiv 2108.12409,
// on both sides).
std::vector<float> slope_distance_bias(int64_t num_heads, int64_t reach);

}  // namespace emberline
