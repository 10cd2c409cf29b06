// SPDX-License-Identifier: Apache-2.0
#pragma once
// What adapters add to weights: products of two narrow matrices.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "model/weights.h"

namespace emberline {

// What is added to rows of one tensor: scale * left right.
struct LowRankUpdate {
  int64_t first_row = 0;
  int64_t rows = 0, cols = 0, rank = 0;
  std::vector<float> left = {};   // [rows, rank]
  std::vector<float> right = {};  // [rank, cols]
  float scale = 0;
};
using LowRankUpdates = std::map<std::string, std::vector<LowRankUpdate>>;  // by the name of the tensor

// Adds them in f32, tensors in parallel; each then stands in `weights` in f32.
void merge(const LowRankUpdates& updates, Weights& weights, int64_t num_threads);

// One of the two matrices as the adapter's file has it. Throws Error(kFormat) that names the file, the tensor, both
// shapes and `reason`, which says where the expected one comes from.
const TensorView& adapter_half(const Weights& adapter, const std::string& name, const std::vector<int64_t>& expected,
                               const std::string& reason);

// A tensor of two dimensions. Throws Error(kFormat) for others.
const TensorView& matrix_of(const Weights& weights, const std::string& name);

}  // namespace emberline
