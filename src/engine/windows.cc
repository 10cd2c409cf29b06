// SPDX-License-Identifier: Apache-2.0
#include "engine/windows.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace emberline {

std::vector<Window> cut_windows(int64_t num_tokens, int64_t size, int64_t overlap) {
  std::vector<Window> windows;
  int64_t begin = 0;
  do {
    const int64_t end = std::min(begin + size, num_tokens);
    windows.push_back({begin, end});
    begin = end - overlap;
  } while (windows.back().end < num_tokens);
  return windows;
}

void average_windows(std::span<const float> vectors, std::span<const int64_t> weights, bool normalize,
                     std::span<float> out) {
  const size_t dim = out.size();
  const auto total = static_cast<double>(std::accumulate(weights.begin(), weights.end(), int64_t{0}));
  double squares = 0;
  std::vector<double> mean(dim);
  for (size_t i = 0; i < dim; ++i) {
    double sum = 0;
    for (size_t w = 0; w < weights.size(); ++w) sum += static_cast<double>(weights[w]) * double{vectors[w * dim + i]};
    mean[i] = sum / total;
    squares += mean[i] * mean[i];
  }
  // As Stream::normalize does.
  const double length = normalize ? std::max(std::sqrt(squares), 1e-12) : 1.0;
  for (size_t i = 0; i < dim; ++i) out[i] = static_cast<float>(mean[i] / length);
}

}  // namespace emberline
