// SPDX-License-Identifier: Apache-2.0
#include "engine/output.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/convert.h"

namespace emberline {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<uint8_t> bytes_of(Output output, const std::vector<float>& vector, const OutputLevels& levels = {}) {
  std::vector<uint8_t> bytes(static_cast<size_t>(output_bytes(output, static_cast<int64_t>(vector.size()))), 0xEE);
  write_output(output, levels, vector, bytes.data());
  return bytes;
}

float from_half(uint16_t half) {
  float value = 0;
  convert_to_f32({.name = "half", .dtype = DType::kF16, .shape = {1}, .data = reinterpret_cast<std::byte*>(&half)}, 0,
                 1, &value);
  return value;
}

TEST(Half, EveryHalfComesBackAsItself) {
  for (uint32_t half = 0; half <= 0xffff; ++half) {
    const float value = from_half(static_cast<uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_half(to_f16(value)))) << half;
    } else {
      ASSERT_EQ(to_f16(value), half);
    }
  }
}

TEST(Half, NumbersInBetweenGoToTheNearestAndTiesToTheEvenOne) {
  for (uint32_t half = 0; half < 0x7bff; ++half) {  // up to 65,504, the largest
    const float low = from_half(static_cast<uint16_t>(half));
    const float high = from_half(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(to_f16(std::nextafter(middle, 0.0F)), half);
    ASSERT_EQ(to_f16(middle), half + (half & 1));
    ASSERT_EQ(to_f16(std::nextafter(middle, kInfinity)), half + 1);
  }
  EXPECT_EQ(to_f16(65519.996F), 0x7bff);
  EXPECT_EQ(to_f16(65520.0F), 0x7c00);
  EXPECT_EQ(to_f16(-1e30F), 0xfc00);
  EXPECT_EQ(to_f16(1e-30F), 0);
}

TEST(Output, SizesAreThoseOfTheForm) {
  EXPECT_EQ(output_bytes(Output::kFloat32, 12), 48);
  EXPECT_EQ(output_bytes(Output::kFloat16, 12), 24);
  EXPECT_EQ(output_bytes(Output::kInt8, 12), 12);
  EXPECT_EQ(output_bytes(Output::kUint8, 12), 12);
  EXPECT_EQ(output_bytes(Output::kBinary, 12), 2);
  EXPECT_EQ(output_bytes(Output::kUbinary, 16), 2);
  EXPECT_EQ(output_alignment(Output::kFloat32), 4);
  EXPECT_EQ(output_alignment(Output::kFloat16), 2);
  EXPECT_EQ(output_alignment(Output::kBinary), 1);
}

TEST(Output, BitsBeginAtTheHighestPlaceAndZeroIsNone) {
  const std::vector<float> vector{1, -1, 0, 2, -0.0F, 1e-30F, -3, 4, 5, -6};
  EXPECT_EQ(bytes_of(Output::kUbinary, vector), (std::vector<uint8_t>{0b10010101, 0b10000000}));
  EXPECT_EQ(bytes_of(Output::kBinary, vector), (std::vector<uint8_t>{0b00010101, 0b00000000}));
}

TEST(Output, LevelsBeyondTheRangesAreTheFirstAndTheLast) {
  const std::vector<float> least{0, -255, 5};
  const std::vector<float> largest{255, 255, 5};
  const OutputLevels levels = levels_between(least, largest);
  EXPECT_EQ(bytes_of(Output::kUint8, {0.99F, -255, 5}, levels), (std::vector<uint8_t>{0, 0, 0}));
  EXPECT_EQ(bytes_of(Output::kUint8, {255, 255, 6.5F}, levels), (std::vector<uint8_t>{255, 255, 1}));
  EXPECT_EQ(bytes_of(Output::kUint8, {1e9F, -1e9F, kInfinity}, levels), (std::vector<uint8_t>{255, 0, 255}));
  EXPECT_EQ(bytes_of(Output::kInt8, {1, 254.5F, 4}, levels), (std::vector<uint8_t>{129, 126, 128}));
}

TEST(Output, NanIsAnyByte) {
  const std::vector<float> vector{std::numeric_limits<float>::quiet_NaN(), 255};
  const OutputLevels levels = levels_between(std::vector<float>{0, 0}, std::vector<float>{255, 255});
  EXPECT_EQ(bytes_of(Output::kUint8, vector, levels), (std::vector<uint8_t>{0, 255}));
  EXPECT_EQ(bytes_of(Output::kInt8, vector, levels), (std::vector<uint8_t>{128, 127}));
  EXPECT_EQ(bytes_of(Output::kUbinary, vector), (std::vector<uint8_t>{0b01000000}));
}

}  // namespace
}  // namespace emberline
