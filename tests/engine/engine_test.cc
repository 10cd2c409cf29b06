// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "column.h"

namespace emberline {
namespace {

using testing::Column;
using testing::data_path;
using testing::embed;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

const Engine& tiny() {
  static const Engine engine = Engine::load(data_path("tiny-mean"), options_of({{"dtype", "f32"}, {"threads", "1"}}));
  return engine;
}

std::string embed_complaint(const RowsView& rows, const VectorsView& out) {
  Stats stats;
  try {
    tiny().embed(rows, out, {}, stats);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

TEST(EngineRows, RowAloneEqualsRowInAnyBatchBudgetAndThreadCount) {
  const Texts texts = mixed_texts(97);
  const Result together = embed(tiny(), texts);
  for (size_t row = 0; row < texts.size(); ++row) {
    const Result alone = embed(tiny(), {texts[row]});
    ASSERT_TRUE(same_bits(alone.row(0), together.row(row))) << row;
  }
  for (const char* budget : {"1", "7", "64", "1000", "100000"}) {
    for (const char* threads : {"1", "2", "5"}) {
      const Engine other = tiny().derive(options_of({{"batch_tokens", budget}, {"threads", threads}}));
      const Result result = embed(other, texts);
      ASSERT_TRUE(same_bits(result.data, together.data)) << "batch_tokens=" << budget << " threads=" << threads;
      ASSERT_EQ(result.tokens, together.tokens);
      ASSERT_EQ(result.status, together.status);
      ASSERT_EQ(result.truncated, together.truncated);
    }
  }
}

TEST(EngineRows, OrderOfRowsOnlyMovesTheirVectors) {
  const Texts texts = mixed_texts(60);
  const Result forward = embed(tiny(), texts);
  const Result backward = embed(tiny(), Texts(texts.rbegin(), texts.rend()));
  for (size_t row = 0; row < texts.size(); ++row) {
    ASSERT_TRUE(same_bits(forward.row(row), backward.row(texts.size() - 1 - row))) << row;
  }
}

TEST(EngineRows, DifferentTextsGiveDifferentUnitVectors) {
  const Result result = embed(tiny(), {"river stone", "data data data"});
  EXPECT_FALSE(same_bits(result.row(0), result.row(1)));
  for (const size_t row : {0U, 1U}) {
    double norm = 0;
    for (const float x : result.row(row)) norm += static_cast<double>(x) * static_cast<double>(x);
    EXPECT_NEAR(norm, 1.0, 1e-5);
  }
}

TEST(EngineRows, NoRowsIsAnEmptyResultAndNeedsNoBuffers) {
  Stats stats{.rows = 5};
  EXPECT_NO_THROW(tiny().embed(RowsView{}, VectorsView{}, {}, stats));
  EXPECT_EQ(stats.rows, 0);
}

TEST(EngineRows, NullRowsAreNullAndTheirBuffersUntouched) {
  const Result result = embed(tiny(), {std::nullopt, "a", std::nullopt});
  EXPECT_EQ(result.status, (std::vector<int32_t>{1, 0, 1}));
  EXPECT_EQ(result.tokens[0], 0);
  EXPECT_EQ(result.row(0), std::vector<float>(static_cast<size_t>(result.dim), Result::kUntouched));
  EXPECT_TRUE(same_bits(result.row(1), embed(tiny(), {"a"}).row(0)));
  EXPECT_EQ(result.stats.nulls, 2);
  EXPECT_EQ(result.stats.rows, 1);
}

TEST(EngineRows, AllNullColumnHasNoBatch) {
  const Result result = embed(tiny(), Texts(1000));
  EXPECT_EQ(result.stats.nulls, 1000);
  EXPECT_EQ(result.stats.batches, 0);
  EXPECT_EQ(std::count(result.status.begin(), result.status.end(), 1), 1000);
}

TEST(EngineRows, NullRowWithBytesBeneathItStaysNull) {
  const std::string bytes = "hiddenseen";
  const std::vector<int64_t> offsets{0, 6, 10};
  const uint8_t validity = 0b10;
  Result result(2, tiny().dim());
  const RowsView rows{reinterpret_cast<const uint8_t*>(bytes.data()), offsets.data(), &validity, 0, 2};
  tiny().embed(rows, result.view(), {}, result.stats);
  EXPECT_EQ(result.status, (std::vector<int32_t>{1, 0}));
  EXPECT_TRUE(same_bits(result.row(1), embed(tiny(), {"seen"}).row(0)));
}

TEST(EngineRows, ValidityOffsetPicksTheSlicesBits) {
  const Texts texts{"a", std::nullopt, "b", std::nullopt, "c"};
  const Result plain = embed(tiny(), texts);
  for (const int64_t first_bit : {1, 3, 8, 13}) {
    const Column column(texts, first_bit);
    Result sliced(5, tiny().dim());
    tiny().embed(column.view(), sliced.view(), {}, sliced.stats);
    EXPECT_EQ(sliced.status, plain.status) << first_bit;
    EXPECT_TRUE(same_bits(sliced.data, plain.data)) << first_bit;
  }
}

TEST(EngineRows, SliceWhoseOffsetsDoNotStartAtZero) {
  const std::string bytes = "skippedriver stone";
  const std::vector<int64_t> offsets{7, 18};
  Result result(1, tiny().dim());
  const RowsView rows{reinterpret_cast<const uint8_t*>(bytes.data()), offsets.data(), nullptr, 0, 1};
  tiny().embed(rows, result.view(), {}, result.stats);
  EXPECT_TRUE(same_bits(result.row(0), embed(tiny(), {"river stone"}).row(0)));
}

TEST(EngineRows, EmptyStringIsARowOfSpecialTokensEvenWithoutData) {
  const std::vector<int64_t> offsets{0, 0, 0};
  Result result(2, tiny().dim());
  tiny().embed(RowsView{nullptr, offsets.data(), nullptr, 0, 2}, result.view(), {}, result.stats);
  EXPECT_EQ(result.status, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(result.tokens, (std::vector<int32_t>{2, 2}));
  EXPECT_TRUE(same_bits(result.row(0), result.row(1)));
}

TEST(EngineRows, HundredThousandWordsAreCutAndSaidSo) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "river ";
  const Result result = embed(tiny(), {"a", text, "b"});
  EXPECT_EQ(result.status, (std::vector<int32_t>{0, 0, 0}));
  EXPECT_EQ(result.truncated, (std::vector<uint8_t>{0, 1, 0}));
  EXPECT_EQ(result.tokens[1], tiny().max_tokens());
  EXPECT_EQ(result.stats.truncated, 1);
  EXPECT_TRUE(same_bits(result.row(2), embed(tiny(), {"b"}).row(0)));
}

TEST(EngineRows, LongTextErrorFailsThatRowAlone) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "river ";
  const Engine strict = tiny().derive(options_of({{"long_text", "error"}, {"max_tokens", "16"}}));
  const Result result = embed(strict, {"a", text, "b"});
  EXPECT_EQ(result.status, (std::vector<int32_t>{0, 2, 0}));
  EXPECT_EQ(result.tokens[1], 0);
  EXPECT_EQ(result.row(1), std::vector<float>(static_cast<size_t>(result.dim), Result::kUntouched));
  EXPECT_EQ(result.stats.failed, 1);
  EXPECT_EQ(strict.row_message(RowStatus::kTooLong), "more than max_tokens=16 tokens and long_text=error");
  EXPECT_EQ(strict.row_message(RowStatus::kOk), "");
}

TEST(EngineRows, WideStrideLeavesTheGapsUntouched) {
  // The layout of Spark's UnsafeArrayData: 16 bytes of header before each vector.
  constexpr int64_t kHeader = 4;
  const int64_t dim = tiny().dim();
  const int64_t stride = dim + kHeader;
  const Texts texts = mixed_texts(20);
  const Column column(texts);
  std::vector<float> block(static_cast<size_t>(20 * stride), Result::kUntouched);
  Stats stats;
  tiny().embed(column.view(), {block.data() + kHeader, stride * 4, nullptr, nullptr, nullptr}, {}, stats);
  const Result plain = embed(tiny(), texts);
  for (int64_t row = 0; row < 20; ++row) {
    const auto begin = block.begin() + row * stride;
    ASSERT_EQ(std::count(begin, begin + kHeader, Result::kUntouched), kHeader) << row;
    ASSERT_TRUE(same_bits({begin + kHeader, begin + stride}, plain.row(static_cast<size_t>(row)))) << row;
  }
  EXPECT_EQ(stats.rows, 20);
}

TEST(EngineRows, StatsCountWhatHappened) {
  const Result result = embed(tiny(), {"a", std::nullopt, "river stone", ""});
  EXPECT_EQ(result.stats.rows, 3);
  EXPECT_EQ(result.stats.nulls, 1);
  EXPECT_EQ(result.stats.tokens, std::accumulate(result.tokens.begin(), result.tokens.end(), 0));
  EXPECT_GE(result.stats.batches, 1);
  EXPECT_GT(result.stats.compute_ns, 0);
}

TEST(EngineBadRows, MessagesNameTheField) {
  const std::vector<int64_t> offsets{0, 4, 2};
  Result result(2, tiny().dim());
  const auto* data = reinterpret_cast<const uint8_t*>("abcd");
  EXPECT_EQ(embed_complaint({data, offsets.data(), nullptr, 0, 2}, result.view()),
            "embed: got rows.offsets[2] = 2 after 4, expected offsets that do not decrease");
  const std::vector<int64_t> negative{-1, 4};
  EXPECT_EQ(embed_complaint({data, negative.data(), nullptr, 0, 1}, result.view()),
            "embed: got rows.offsets[0] = -1, expected 0 or more");
  const std::vector<int64_t> good{0, 4};
  EXPECT_EQ(embed_complaint({nullptr, good.data(), nullptr, 0, 1}, result.view()),
            "embed: rows.data is NULL with 4 bytes");
  EXPECT_EQ(embed_complaint({data, nullptr, nullptr, 0, 1}, result.view()), "embed: rows.offsets is NULL with 1 rows");
  EXPECT_EQ(embed_complaint({data, good.data(), nullptr, 0, -1}, result.view()),
            "embed: got -1 rows, expected 0 or more");
  EXPECT_EQ(embed_complaint({data, good.data(), nullptr, 0, 1}, VectorsView{}), "embed: out.data is NULL with 1 rows");
  VectorsView narrow = result.view();
  narrow.row_stride -= 4;
  EXPECT_NE(embed_complaint({data, good.data(), nullptr, 0, 1}, narrow).find("got out.row_stride"), std::string::npos);
  VectorsView odd = result.view();
  odd.row_stride += 2;
  EXPECT_NE(embed_complaint({data, good.data(), nullptr, 0, 1}, odd).find("a multiple of 4"), std::string::npos);
}

TEST(EngineTokenize, AgreesWithTheTokenCountsOfEmbed) {
  const Texts texts = mixed_texts(40);
  const Result result = embed(tiny(), texts);
  Encoding encoding;
  for (size_t row = 0; row < texts.size(); ++row) {
    tiny().tokenize(*texts[row], encoding);
    ASSERT_EQ(static_cast<int32_t>(encoding.ids.size()), result.tokens[row]);
    ASSERT_EQ(encoding.truncated ? 1 : 0, result.truncated[row]);
  }
}

}  // namespace
}  // namespace emberline
