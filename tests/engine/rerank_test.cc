// SPDX-License-Identifier: Apache-2.0
// Pairs of texts in, scores out: as the reference's CrossEncoder has them, and the same bits however rows come.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "backend/devices.h"
#include "base/mapped_file.h"
#include "column.h"
#include "fake_device.h"
#include "model/expect_error.h"

namespace emberline {
namespace {

using testing::Column;
using testing::data_path;
using testing::FakeDevice;
using testing::FakeDeviceControls;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

constexpr int32_t kOk = static_cast<int32_t>(RowStatus::kOk);
constexpr int32_t kNull = static_cast<int32_t>(RowStatus::kNull);
constexpr int32_t kTooLong = static_cast<int32_t>(RowStatus::kTooLong);

std::string model_of(const std::string& name) {
  return data_path("rerank/" + name);
}

Result rerank(const Engine& engine, const Texts& queries, const Texts& texts, const Progress& progress = {}) {
  const Column first(queries);
  const Column second(texts, 3);
  Result result(static_cast<int64_t>(texts.size()), engine.num_labels());
  engine.rerank(first.view(), second.view(), result.view(), progress, result.stats);
  return result;
}

struct Golden {
  int64_t max_tokens = 0;
  int64_t labels = 0;
  Texts queries;
  Texts texts;
  std::vector<float> scores;  // [pairs, labels]
  std::vector<float> raw;
  std::vector<int32_t> tokens;
};

std::vector<float> flattened(const nlohmann::json& rows) {
  std::vector<float> numbers;
  for (const auto& row : rows) {
    if (row.is_array()) {
      for (const auto& number : row) numbers.push_back(number.get<float>());
    } else {
      numbers.push_back(row.get<float>());
    }
  }
  return numbers;
}

Golden golden_of(const std::string& name) {
  const auto file = nlohmann::json::parse(read_text_file(EMB_SOURCE_DIR "/tests/golden/rerank/" + name + ".json"));
  Golden golden;
  golden.max_tokens = file.at("max_tokens");
  golden.labels = file.at("labels");
  for (const auto& pair : file.at("pairs")) {
    golden.queries.push_back(pair[0].get<std::string>());
    golden.texts.push_back(pair[1].get<std::string>());
  }
  for (const auto& ids : file.at("ids")) golden.tokens.push_back(static_cast<int32_t>(ids.size()));
  golden.scores = flattened(file.at("scores"));
  golden.raw = flattened(file.at("raw"));
  return golden;
}

std::vector<std::string> models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(EMB_SOURCE_DIR "/tests/golden/rerank")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const float largest = std::max(1.0F, std::abs(expected[i]));
    EXPECT_NEAR(actual[i], expected[i], tolerance * largest) << "score " << i;
  }
}

class RerankGoldens : public ::testing::TestWithParam<std::string> {};

TEST_P(RerankGoldens, EveryPairIsWithinOneHundredThousandthOfTheReference) {
  const Golden golden = golden_of(GetParam());
  const Engine engine = Engine::load(model_of(GetParam()), options_of({{"dtype", "f32"}}));
  EXPECT_EQ(engine.max_tokens(), golden.max_tokens);
  EXPECT_EQ(engine.num_labels(), golden.labels);
  const Result result = rerank(engine, golden.queries, golden.texts);
  EXPECT_EQ(result.stats.rows, static_cast<int64_t>(golden.texts.size()));
  EXPECT_EQ(result.tokens, golden.tokens);
  expect_near(result.data, golden.scores, 1e-5F);
  const Engine raw = engine.derive(options_of({{"activation", "none"}}));
  expect_near(rerank(raw, golden.queries, golden.texts).data, golden.raw, 1e-5F);
}

INSTANTIATE_TEST_SUITE_P(All, RerankGoldens, ::testing::ValuesIn(models()), [](const auto& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

class RerankDtypes : public DeviceTest {};

TEST_P(RerankDtypes, ScoresAreFarFromTheReference) {
  const float tolerance = GetParam().dtype == DType::kF32 ? 1e-5F : GetParam().dtype == DType::kBF16 ? 0.05F : 0.25F;
  for (const char* name : {"bert", "roberta", "modernbert"}) {
    SCOPED_TRACE(name);
    const Golden golden = golden_of(name);
    const Engine engine = Engine::load_on(make_cpu_backend(GetParam().isa, GetParam().dtype), model_of(name),
                                          options_of({{"activation", "none"}}));
    expect_near(rerank(engine, golden.queries, golden.texts).data, golden.raw, tolerance);
  }
}

TEST_P(RerankDtypes, ScoreChangesWithTheRowsAround) {
  const Engine engine = Engine::load_on(make_cpu_backend(GetParam().isa, GetParam().dtype), model_of("bert"),
                                        options_of({{"threads", "2"}, {"batch_tokens", "200"}}));
  const Texts texts = mixed_texts(40);
  Texts queries = mixed_texts(41);
  queries.erase(queries.begin());
  const Result together = rerank(engine, queries, texts);
  for (size_t row = 0; row < texts.size(); ++row) {
    EXPECT_TRUE(same_bits(rerank(engine, {queries[row]}, {texts[row]}).data, together.row(row))) << "row " << row;
  }
}

EMB_FOR_EVERY_DEVICE(RerankDtypes);

TEST(Rerank, ScoresChangeWithThreadsAndBatches) {
  const Texts texts = mixed_texts(60);
  const Engine engine = Engine::load(model_of("bert-labels"), options_of({{"threads", "1"}}));
  const Result expected = rerank(engine, {"one river"}, texts);
  for (const char* threads : {"1", "3"}) {
    for (const char* batch_tokens : {"1", "50", "100000"}) {
      const Engine other = engine.derive(options_of({{"threads", threads}, {"batch_tokens", batch_tokens}}));
      EXPECT_TRUE(same_bits(rerank(other, {"one river"}, texts).data, expected.data));
    }
  }
}

TEST(Rerank, OneQueryGivesOtherScoresThanTheSameQueryInEachRow) {
  const Engine engine = Engine::load(model_of("xlm-roberta"), {});
  const Texts texts = mixed_texts(30);
  const Texts queries(texts.size(), "東京 stone");
  EXPECT_TRUE(same_bits(rerank(engine, {"東京 stone"}, texts).data, rerank(engine, queries, texts).data));
}

TEST(Rerank, DeviceWithAQueueGivesOtherScores) {
  FakeDeviceControls controls{.shares_batches = true};
  const Engine shared = Engine::load_on(std::make_unique<FakeDevice>(controls), model_of("bert"), {});
  const Engine plain = Engine::load(model_of("bert"), options_of({{"dtype", "f32"}}));
  const Texts texts = mixed_texts(30);
  EXPECT_TRUE(same_bits(rerank(shared, {"one"}, texts).data, rerank(plain, {"one"}, texts).data));
  EXPECT_TRUE(same_bits(testing::embed(shared, texts).data, testing::embed(plain, texts).data));
}

TEST(Rerank, NullTextOrQueryMakesTheRowNullAndNoOther) {
  const Engine engine = Engine::load(model_of("bert"), {});
  const Result result = rerank(engine, {"one", std::nullopt, "one", ""}, {"two", "two", std::nullopt, ""});
  EXPECT_EQ(result.status, (std::vector<int32_t>{kOk, kNull, kNull, kOk}));
  EXPECT_EQ(result.stats.nulls, 2);
  EXPECT_EQ(result.data[1], Result::kUntouched);
  EXPECT_EQ(result.tokens[3], 3);
  EXPECT_TRUE(same_bits(rerank(engine, {"one"}, {"two"}).data, result.row(0)));
  EXPECT_EQ(rerank(engine, {std::nullopt}, {"two", "three"}).stats.nulls, 2);
  EXPECT_EQ(rerank(engine, {"one"}, {}).stats.rows, 0);
}

TEST(Rerank, LongPairIsCutOrFailsAsLongTextSays) {
  const Engine engine = Engine::load(model_of("bert"), options_of({{"max_tokens", "8"}}));
  const Texts texts = {"a", "a b c d e f g h"};
  const Result cut = rerank(engine, {"one"}, texts);
  EXPECT_EQ(cut.truncated, (std::vector<uint8_t>{0, 1}));
  EXPECT_EQ(cut.tokens[1], 8);
  EXPECT_EQ(cut.stats.truncated, 1);
  const Engine strict = engine.derive(options_of({{"max_tokens", "8"}, {"long_text", "error"}}));
  const Result failed = rerank(strict, {"one"}, texts);
  EXPECT_EQ(failed.status, (std::vector<int32_t>{kOk, kTooLong}));
  EXPECT_EQ(failed.stats.failed, 1);
  const Engine windows = engine.derive(options_of({{"max_tokens", "8"}, {"long_text", "chunk"}}));
  EXPECT_EQ(windows.num_labels(), 0);
  expect_error(Code::kInvalidArgument, {"long_text: got chunk"}, [&] { rerank(windows, {"one"}, texts); });
  EXPECT_EQ(testing::embed(windows, texts).stats.rows, 2);
}

TEST(Rerank, RoomForSpecialTokensAloneIsRefused) {
  const Engine engine = Engine::load(model_of("bert"), options_of({{"max_tokens", "4"}}));
  expect_error(Code::kInvalidArgument, {"max_tokens: got 4, expected at least 5"},
               [&] { rerank(engine, {"one"}, {"two"}); });
  EXPECT_EQ(testing::embed(engine, {"one"}).stats.rows, 1);
}

TEST(Rerank, OtherNumberOfQueriesThanTextsIsRefused) {
  const Engine engine = Engine::load(model_of("bert"), {});
  expect_error(Code::kInvalidArgument, {"got 2 queries for 3 texts"},
               [&] { rerank(engine, {"a", "b"}, {"a", "b", "c"}); });
}

TEST(Rerank, PromptGoesBeforeQueriesAlone) {
  const Engine engine = Engine::load(model_of("bert"), {});
  const Engine prompted = engine.derive(options_of({{"prompt", "find: "}}));
  EXPECT_TRUE(same_bits(rerank(prompted, {"one"}, {"two"}).data, rerank(engine, {"find: one"}, {"two"}).data));
}

TEST(Rerank, ActivationOptionWinsOverTheModelsOwn) {
  const Engine raw = Engine::load(model_of("bert"), options_of({{"activation", "none"}}));
  const Engine own = raw.derive({});
  const float score = rerank(raw, {"one"}, {"two"}).data[0];
  EXPECT_NEAR(rerank(own, {"one"}, {"two"}).data[0], 1 / (1 + std::exp(-score)), 1e-6);
  const Engine labels = Engine::load(model_of("bert-labels"), options_of({{"activation", "softmax"}}));
  const std::vector<float> shares = rerank(labels, {"one"}, {"two"}).data;
  EXPECT_NEAR(shares[0] + shares[1] + shares[2], 1, 1e-6);
}

TEST(Rerank, CancelledCallSaysWhichItWas) {
  const Engine engine = Engine::load(model_of("bert"), options_of({{"threads", "1"}, {"batch_tokens", "1"}}));
  const auto cancel = [](int64_t, int64_t, int64_t) { return true; };
  expect_error(Code::kCancelled, {"rerank: cancelled after 1 of 9 rows"},
               [&] { rerank(engine, {"one"}, mixed_texts(9), cancel); });
}

TEST(Rerank, ModelWithoutAHeadNamesTheTensorsThatAreMissing) {
  const Engine bert = Engine::load(data_path("tiny-mean"), {});
  EXPECT_EQ(bert.num_labels(), 0);
  expect_error(Code::kUnsupported,
               {"lacks bert.pooler.dense.weight, classifier.weight, classifier.bias, bert.pooler.dense.bias"},
               [&] { rerank(bert, {"one"}, {"two"}); });
  const Engine decoder = Engine::load(data_path("tiny-qwen3"), {});
  expect_error(Code::kUnsupported, {"model_type qwen3: no head that scores pairs is known of it"},
               [&] { rerank(decoder, {"one"}, {"two"}); });
  const Engine table = Engine::load(data_path("tiny-static"), {});
  expect_error(Code::kUnsupported, {"no transformer"}, [&] { rerank(table, {"one"}, {"two"}); });
}

TEST(Rerank, CrossEncoderWithoutPoolingMakesNoVectors) {
  const Engine engine = Engine::load(model_of("cross-encoder"), {});
  EXPECT_EQ(engine.dim(), 0);
  EXPECT_EQ(engine.num_labels(), 1);
  expect_error(Code::kUnsupported, {"CrossEncoder without Pooling makes no vectors"},
               [&] { testing::embed(engine, {"one"}); });
}

TEST(Rerank, HeadLeavesTheVectorsOfItsModelAsTheyWere) {
  for (const std::string& name : models()) {
    if (name == "cross-encoder") continue;
    const Engine engine = Engine::load(model_of(name), {});
    const Texts texts = mixed_texts(3);
    const testing::Result before = testing::embed(engine, texts);
    rerank(engine, {"one"}, texts);
    EXPECT_TRUE(same_bits(testing::embed(engine, texts).data, before.data)) << name;
    EXPECT_EQ(before.dim, 32) << name;
  }
}

}  // namespace
}  // namespace emberline
