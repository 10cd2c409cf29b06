// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/routes.h"

#include <algorithm>
#include <cmath>

namespace emberline::cpu {
namespace {

void to_weights(std::vector<float>& scores) {
  const float top = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (float& score : scores) sum += score = std::exp(score - top);
  for (float& score : scores) score /= sum;
}

// One that was taken already is below zero, which no weight is; NaN is above nothing, so the first one left is taken.
size_t largest_left(const std::vector<float>& weights) {
  size_t best = weights.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] < 0) continue;
    if (best == weights.size() || weights[i] > weights[best]) best = i;
  }
  return best;
}

}  // namespace

std::vector<std::vector<Route>> choose_experts(const MatrixView& scores, int64_t num_chosen) {
  std::vector<std::vector<Route>> routes(static_cast<size_t>(scores.cols));
  std::vector<float> weights;
  for (int64_t row = 0; row < scores.rows; ++row) {
    const float* from = scores.data + row * scores.row_stride;
    weights.assign(from, from + scores.cols);
    to_weights(weights);
    for (int64_t i = 0; i < num_chosen; ++i) {
      const size_t expert = largest_left(weights);
      routes[expert].push_back({.row = row, .weight = weights[expert]});
      weights[expert] = -1;
    }
  }
  return routes;
}

}  // namespace emberline::cpu
