// SPDX-License-Identifier: Apache-2.0
#include "model/distance_bias.h"

#include <gtest/gtest.h>

#include <cstring>

namespace emberline {
namespace {

// What the reference's relative_position_bucket gives for 32 buckets, where a bucket begins.
TEST(DistanceBias, DistanceFallsIntoANeighboursBucket) {
  const std::pair<int64_t, int64_t> first_of_bucket[] = {{0, 0},   {1, 1},   {7, 7},   {8, 8},   {12, 9}, {16, 10},
                                                         {23, 11}, {32, 12}, {46, 13}, {64, 14}, {91, 15}};
  for (const auto& [steps, bucket] : first_of_bucket) {
    EXPECT_EQ(distance_bucket(-steps, 32), bucket) << steps;
    if (steps > 0) {
      EXPECT_EQ(distance_bucket(steps, 32), 16 + bucket) << steps;
    }
    if (steps > 1) {
      EXPECT_EQ(distance_bucket(1 - steps, 32), bucket - 1) << steps;
    }
  }
  EXPECT_EQ(distance_bucket(-100000, 32), 15);
  EXPECT_EQ(distance_bucket(100000, 32), 31);
}

TEST(DistanceBias, FartherBucketsEndElsewhere) {
  // 16 buckets, 8 a direction, 4 of one distance each; the others share 4 to 40 by the logarithm.
  const std::pair<int64_t, int64_t> first_of_bucket[] = {{3, 3}, {4, 4}, {8, 5}, {13, 6}, {23, 7}};
  for (const auto& [steps, bucket] : first_of_bucket) {
    EXPECT_EQ(distance_bucket(-steps, 16, 40), bucket) << steps;
    EXPECT_EQ(distance_bucket(1 - steps, 16, 40), bucket - 1) << steps;
    EXPECT_EQ(distance_bucket(steps, 16, 40), 8 + bucket) << steps;
  }
  EXPECT_EQ(distance_bucket(-41, 16, 40), 7);
}

TEST(DistanceBias, HeadsOrDirectionsAreMixedUp) {
  std::vector<float> table(32 * 2);
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
  const TensorView view = {"table", DType::kF32, {32, 2}, reinterpret_cast<const std::byte*>(table.data())};
  // Bucket b of head h holds 2 b + h; a key behind its query counts from bucket 16.
  const std::vector<float> expected = {4, 2, 0, 34, 36, 5, 3, 1, 35, 37};
  EXPECT_EQ(spread_distance_bias(view, 2), expected);
}

}  // namespace
}  // namespace emberline
