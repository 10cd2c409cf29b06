// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/temporary_directory.h"
#include "column.h"
#include "engine/engine.h"
#include "fake_device.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::FakeDevice;
using testing::FakeDeviceControls;
using testing::options_of;
using testing::Result;
using testing::same_bits;

class Memory : public ::testing::TestWithParam<bool> {};

TEST_P(Memory, RowThatDoesNotFitFailsAloneAndItsNeighboursKeepTheirVectors) {
  FakeDeviceControls controls{.as_bad_alloc = GetParam()};
  const Engine engine = Engine::load_on(std::make_unique<FakeDevice>(controls), data_path("tiny-prompts"),
                                        options_of({{"threads", "2"}, {"prompt", ""}}));
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "river ";
  const testing::Texts texts{"stone", long_text, "data", "", std::nullopt, "emb"};
  const Result roomy = embed(engine, texts);
  ASSERT_EQ(roomy.status, (std::vector<int32_t>{0, 0, 0, 0, 1, 0}));
  ASSERT_GT(roomy.tokens[1], 50);

  controls.most_floats = 20 * 32;  // the hidden states of 20 tokens
  const Result tight = embed(engine, texts);
  EXPECT_EQ(tight.status, (std::vector<int32_t>{0, 3, 0, 0, 1, 0}));
  EXPECT_EQ(tight.tokens[1], 0);
  EXPECT_EQ(tight.stats.failed, 1);
  EXPECT_EQ(tight.stats.rows, 4);
  for (const size_t row : {0U, 2U, 3U, 5U}) EXPECT_TRUE(same_bits(tight.row(row), roomy.row(row))) << row;
  EXPECT_NE(engine.row_message(RowStatus::kTooLarge).find("memory"), std::string::npos);
}

TEST_P(Memory, BatchThatDoesNotFitIsComputedRowByRow) {
  FakeDeviceControls controls{.as_bad_alloc = GetParam()};
  const Engine engine = Engine::load_on(std::make_unique<FakeDevice>(controls), data_path("tiny-prompts"),
                                        options_of({{"threads", "1"}, {"prompt", ""}, {"batch_tokens", "4000"}}));
  const testing::Texts texts(40, "river stone data");
  const Result roomy = embed(engine, texts);
  EXPECT_EQ(roomy.stats.batches, 1);
  controls.most_floats = 20 * 32;  // the hidden states of 20 tokens
  const Result tight = embed(engine, texts);
  EXPECT_EQ(tight.stats.failed, 0);
  EXPECT_EQ(tight.stats.batches, 40);
  EXPECT_TRUE(same_bits(tight.data, roomy.data));
}

// A copy of a model whose tokenizer splits by a pattern of this test; gone when it ends.
class PatternModel {
 public:
  explicit PatternModel(const std::string& pattern) {
    std::filesystem::copy(data_path("tiny-prompts"), path(), std::filesystem::copy_options::recursive);
    const std::filesystem::path file = directory_.path() / "tokenizer.json";
    nlohmann::json tokenizer = nlohmann::json::parse(std::ifstream(file));
    const nlohmann::json split = {
        {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    tokenizer["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, tokenizer["pre_tokenizer"]}}};
    directory_.write("tokenizer.json", tokenizer.dump());
    // A class of BERT's would have its own pre-tokenizer.
    directory_.write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  }
  std::string path() const { return directory_.path().string(); }

 private:
  TemporaryDirectory directory_;
};

TEST(PatternMemory, RowWithMoreWaysThanCanBeKeptFailsAlone) {
  // Thousands of repeats for which room is kept at each place of the text, none of which it comes to.
  std::string pattern = "(?:s+)+t|!";
  for (int i = 0; i < 6; ++i) pattern += "(?:d?e){1000}";
  const PatternModel model(pattern);
  const Options options = options_of({{"threads", "1"}, {"prompt", ""}});
  const Engine engine = Engine::load(model.path(), options);
  const testing::Texts texts{"river stone", std::string(20000, 's'), "data", std::string(1000, 's'), "stone"};
  const Result result = embed(engine, texts);
  EXPECT_EQ(result.status, (std::vector<int32_t>{0, 3, 0, 0, 0}));
  EXPECT_EQ(result.tokens[1], 0);
  EXPECT_EQ(result.stats.failed, 1);
  EXPECT_EQ(result.stats.rows, 4);
  for (const size_t row : {0U, 2U, 3U, 4U}) {
    EXPECT_TRUE(same_bits(result.row(row), embed(engine, {texts[row]}).row(0))) << row;
  }
  EXPECT_NE(engine.row_message(RowStatus::kTooLarge).find("shorter text"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(BadAllocAndDeviceError, Memory, ::testing::Bool());

}  // namespace
}  // namespace emberline
