// SPDX-License-Identifier: Apache-2.0
#include "model/rotation_scaling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "model/expect_error.h"

namespace emberline {
namespace {

RotationScaling read_scaling(const std::string& parameters) {
  return read_rotation_scaling(JsonValue::parse(parameters, "rope"), 4096);
}

std::vector<float> frequencies(const std::string& parameters) {
  return rotation_frequencies(10000, 64, read_scaling(parameters));
}

float plain(size_t i) {
  return 1 / std::pow(10000.0F, static_cast<float>(2 * i) / 64);
}

TEST(RotationScaling, LinearLeavesAFrequency) {
  const std::vector<float> scaled = frequencies(R"({"type":"linear","factor":8.0})");
  ASSERT_EQ(scaled.size(), 32U);
  for (size_t i = 0; i < scaled.size(); ++i) EXPECT_EQ(scaled[i], plain(i) / 8);
}

TEST(RotationScaling, Llama3DividesFastFrequenciesOrKeepsSlowOnes) {
  const std::vector<float> scaled = frequencies(
      R"({"rope_type":"llama3","factor":4,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":512})");
  size_t between = 0;
  for (size_t i = 0; i < scaled.size(); ++i) {
    const double turns = 512 * double{plain(i)} / (2 * std::numbers::pi);
    if (turns > 4) {
      EXPECT_EQ(scaled[i], plain(i)) << i;
    } else if (turns < 1) {
      EXPECT_EQ(scaled[i], plain(i) / 4) << i;
    } else {
      const double share = (turns - 1) / 3;
      EXPECT_NEAR(scaled[i], double{plain(i)} * ((1 - share) / 4 + share), 1e-6 * double{plain(i)}) << i;
      ++between;
    }
  }
  EXPECT_GT(between, 2U);
}

TEST(RotationScaling, YarnStretchesAnotherPlaceOrForgetsToGrow) {
  const RotationScaling scaling =
      read_scaling(R"({"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":1024,"rope_theta":10000})");
  EXPECT_EQ(scaling.original_positions, 1024);
  EXPECT_NEAR(scaling.magnitude, 0.1 * std::log(4.0) + 1, 1e-12);
  const std::vector<float> scaled = rotation_frequencies(10000, 64, scaling);
  // 32 turns over 1024 positions at place 5.65, one at 17.7: rounded outwards, 5 and 18.
  for (size_t i = 0; i < scaled.size(); ++i) {
    const double ramp = std::min(1.0, std::max(0.0, (static_cast<double>(i) - 5) / 13));
    EXPECT_NEAR(scaled[i], double{plain(i)} * (1 - ramp + ramp / 4), 1e-6 * double{plain(i)}) << i;
  }
}

TEST(RotationScaling, YarnsMagnitudeIsNotThatOfItsKeys) {
  EXPECT_EQ(read_scaling(R"({"type":"yarn","factor":4,"attention_factor":0.5})").magnitude, 0.5);
  EXPECT_EQ(read_scaling(R"({"type":"yarn","factor":4,"mscale":1,"mscale_all_dim":1})").magnitude, 1);
  EXPECT_EQ(read_scaling(R"({"type":"yarn","factor":0.5})").magnitude, 1);
  // Without a factor it is what the positions grew by.
  EXPECT_EQ(read_scaling(R"({"type":"yarn","original_max_position_embeddings":1024})").factor, 4);
}

TEST(RotationScaling, ScalingThatIsNotKnownIsIgnored) {
  const auto reading = [](const std::string& text) { return [text] { read_scaling(text); }; };
  expect_error(Code::kUnsupported, {"rope: rope_type: got \"dynamic\", supported: default, linear, llama3, yarn"},
               reading(R"({"rope_type":"dynamic","factor":2})"));
  expect_error(Code::kUnsupported, {"rope: type: got \"longrope\""}, reading(R"({"type":"longrope"})"));
  expect_error(Code::kUnsupported, {"rope: got key mrope_section, supported beside rope_type \"default\": rope_theta"},
               reading(R"({"type":"default","mrope_section":[1,2]})"));
  expect_error(Code::kUnsupported, {"got key partial_rotary_factor"},
               reading(R"({"type":"linear","factor":2,"partial_rotary_factor":0.5})"));
  expect_error(Code::kFormat, {"rope: key factor is missing"}, reading(R"({"type":"linear"})"));
  expect_error(Code::kFormat, {"rope: factor: got -1, expected a number above 0"},
               reading(R"({"type":"linear","factor":-1})"));
  expect_error(Code::kFormat, {"low_freq_factor: got 4, expected less than high_freq_factor 4"},
               reading(R"({"type":"llama3","factor":2,"low_freq_factor":4,"high_freq_factor":4})"));
}

}  // namespace
}  // namespace emberline
