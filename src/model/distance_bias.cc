// SPDX-License-Identifier: Apache-2.0
#include "model/distance_bias.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/convert.h"

namespace emberline {

namespace {

// Of n heads, n a power of two, head i has the slope 2^(-8 (i + 1) / n). Heads beyond the largest power of two take
// every other slope of twice as many.
double slope_of(int64_t head, int64_t num_heads) {
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(num_heads)));
  const int64_t steps = head < power ? 2 * (head + 1) : 2 * (head - power) + 1;
  return std::exp2(-4 * static_cast<double>(steps) / static_cast<double>(power));
}

}  // namespace

int64_t distance_bucket(int64_t distance, int64_t num_buckets, int64_t farthest) {
  const int64_t half = num_buckets / 2;
  const int64_t first = distance > 0 ? half : 0;
  const int64_t steps = std::abs(distance);
  const int64_t exact = half / 2;
  if (steps < exact) return first + steps;
  // In f32, as the reference takes the logarithm: at powers of two the last bit decides.
  const float share = std::log(static_cast<float>(steps) / static_cast<float>(exact)) /
                      static_cast<float>(std::log(static_cast<double>(farthest) / static_cast<double>(exact)));
  const auto farther = static_cast<int64_t>(share * static_cast<float>(half - exact));
  return first + std::min(exact + farther, half - 1);
}

std::vector<float> spread_distance_bias(const TensorView& table, int64_t reach, int64_t farthest) {
  const int64_t num_buckets = table.shape.at(0);
  const int64_t num_heads = table.shape.at(1);
  const std::vector<float> values = to_f32(table);
  std::vector<float> spread;
  spread.reserve(static_cast<size_t>(num_heads * (2 * reach + 1)));
  for (int64_t head = 0; head < num_heads; ++head) {
    for (int64_t distance = -reach; distance <= reach; ++distance) {
      spread.push_back(
          values[static_cast<size_t>(distance_bucket(distance, num_buckets, farthest) * num_heads + head)]);
    }
  }
  return spread;
}

std::vector<float> slope_distance_bias(int64_t num_heads, int64_t reach) {
  std::vector<float> spread;
  spread.reserve(static_cast<size_t>(num_heads * (2 * reach + 1)));
  for (int64_t head = 0; head < num_heads; ++head) {
    const auto slope = static_cast<float>(slope_of(head, num_heads));
    for (int64_t distance = -reach; distance <= reach; ++distance) {
      spread.push_back(-slope * static_cast<float>(std::abs(distance)));
    }
  }
  return spread;
}

}  // namespace emberline
