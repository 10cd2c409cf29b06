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

TEST(DistanceBias, SlopesOfHeadsThatAreNoPowerOfTwoAreAnothers) {
  const auto slopes = [](int64_t num_heads) {
    const std::vector<float> spread = slope_distance_bias(num_heads, 1);
    std::vector<float> of_heads;
    for (size_t i = 0; i < spread.size(); i += 3) {
      EXPECT_EQ(spread[i], spread[i + 2]);
      EXPECT_EQ(spread[i + 1], 0);
      of_heads.push_back(-spread[i]);
    }
    return of_heads;
  };
  EXPECT_EQ(slopes(1), (std::vector<float>{0.00390625F}));
  EXPECT_EQ(slopes(4), (std::vector<float>{0.25F, 0.0625F, 0.015625F, 0.00390625F}));
  EXPECT_EQ(slopes(6), (std::vector<float>{0.25F, 0.0625F, 0.015625F, 0.00390625F, 0.5F, 0.125F}));
  // As the reference gives them for 12 heads.
  const std::vector<float> twelve = slopes(12);
  ASSERT_EQ(twelve.size(), 12U);
  EXPECT_EQ(twelve[7], 0.00390625F);
  EXPECT_FLOAT_EQ(twelve[8], 0.70710678F);
  EXPECT_FLOAT_EQ(twelve[11], 0.088388348F);
}

TEST(DistanceBias, SlopeEndsBeforeTheFarthestToken) {
  const std::vector<float> spread = slope_distance_bias(2, 8191);
  ASSERT_EQ(spread.size(), 2U * 16383U);
  EXPECT_EQ(spread.front(), -8191 * 0.0625F);
  EXPECT_EQ(spread.back(), -8191 * 0.00390625F);
}

}  // namespace
}  // namespace emberline
