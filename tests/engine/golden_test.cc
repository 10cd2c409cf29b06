// SPDX-License-Identifier: Apache-2.0
// The whole path against the reference's vectors: text in, vector out, with nothing set but the model.
#include "model/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "column.h"

namespace emberline {
namespace {

using testing::embed;
using testing::Result;
using testing::Texts;

std::vector<std::string> golden_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(EMB_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenVectors : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenVectors, EveryRowIsWithinOneHundredThousandthOfTheReference) {
  const std::string path = model_path(GetParam());
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there; tools/get_models.py assembles it";
  const auto record = nlohmann::json::parse(read_text_file(EMB_SOURCE_DIR "/tests/golden/" + GetParam() + ".json"));
  const Golden golden = read_golden(GetParam());
  Texts texts;
  for (const auto& row : record["rows"]) texts.push_back(row.get<std::string>());

  const Engine engine = Engine::load(path, testing::options_of({{"dtype", "f32"}}));
  EXPECT_EQ(engine.max_tokens(), golden.max_tokens);
  const Result result = embed(engine, texts);
  ASSERT_EQ(result.stats.rows, static_cast<int64_t>(texts.size()));
  Encoding encoding;
  for (size_t row = 0; row < texts.size(); ++row) {
    engine.tokenize(*texts[row], encoding);
    EXPECT_EQ(encoding.ids, golden.ids[row]) << "row " << row;
    const std::vector<float> expected = golden.vector(static_cast<int64_t>(row));
    const std::vector<float> actual = result.row(row);
    ASSERT_EQ(actual.size(), expected.size());
    // Vectors that are not normalised are compared relative to their largest number.
    float largest = 1;
    for (const float x : expected) largest = std::max(largest, std::abs(x));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], 1e-5F * largest) << "row " << row << " dimension " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenVectors, ::testing::ValuesIn(golden_models()), [](const auto& test) {
  std::string name = test.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
});

}  // namespace
}  // namespace emberline
