// SPDX-License-Identifier: Apache-2.0
#include "model/rotation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace emberline {
namespace {

TEST(Rotation, AngleIsThatOfAnotherPair) {
  const std::vector<float> table = rotation_table(100, 5, 4);
  ASSERT_EQ(table.size(), 20U);
  for (size_t position = 0; position < 5; ++position) {
    const auto angle = static_cast<double>(position);
    EXPECT_NEAR(table[4 * position], std::cos(angle), 1e-7);
    EXPECT_NEAR(table[4 * position + 1], std::cos(angle / 10), 1e-7);
    EXPECT_NEAR(table[4 * position + 2], std::sin(angle), 1e-7);
    EXPECT_NEAR(table[4 * position + 3], std::sin(angle / 10), 1e-7);
  }
}

// The reference rounds a frequency to f32 before it multiplies; at 8,000 positions that shows.
TEST(Rotation, FarAngleIsMoreExactThanTheReferences) {
  const std::vector<float> table = rotation_table(160000, 8192, 64);
  const float frequency = 1.0F / std::pow(160000.0F, 2.0F / 64.0F);
  const double angle = 8191.0F * frequency;
  EXPECT_EQ(table[8191 * 64 + 1], static_cast<float>(std::cos(angle)));
}

TEST(Rotation, SlowedFrequencyIsDividedInsideThePower) {
  const std::vector<float> table = rotation_table(100, 3, 4, {.kind = RotationScaling::Kind::kLinear, .factor = 2.5});
  EXPECT_EQ(table[2 * 4], static_cast<float>(std::cos(2 * double{1.0F / 2.5F})));
  EXPECT_EQ(table[2 * 4 + 1], static_cast<float>(std::cos(2 * double{0.1F / 2.5F})));
}

}  // namespace
}  // namespace emberline
