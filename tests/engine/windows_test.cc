// SPDX-License-Identifier: Apache-2.0
#include "engine/windows.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "column.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

TEST(Windows, TokenIsLostOrWindowLiesInAnother) {
  for (int64_t size = 1; size < 9; ++size) {
    for (int64_t overlap = 0; overlap < size; ++overlap) {
      for (int64_t num_tokens = 1; num_tokens < 40; ++num_tokens) {
        const std::vector<Window> windows = cut_windows(num_tokens, size, overlap);
        ASSERT_EQ(windows.front().begin, 0);
        ASSERT_EQ(windows.back().end, num_tokens);
        for (size_t w = 0; w < windows.size(); ++w) {
          ASSERT_LE(windows[w].size(), size);
          if (w + 1 < windows.size()) {
            ASSERT_EQ(windows[w].size(), size);
            ASSERT_EQ(windows[w + 1].begin, windows[w].end - overlap);
            ASSERT_GT(windows[w + 1].end, windows[w].end);
          }
        }
      }
    }
  }
}

TEST(Windows, MeanForgetsHowManyTokensAWindowHas) {
  const std::vector<float> vectors{1, 0, 0, 4};
  const std::vector<int64_t> weights{3, 1};
  std::vector<float> out(2);
  average_windows(vectors, weights, false, out);
  EXPECT_EQ(out, (std::vector<float>{0.75F, 1.0F}));
  average_windows(vectors, weights, true, out);
  EXPECT_FLOAT_EQ(out[0], 0.6F);
  EXPECT_FLOAT_EQ(out[1], 0.8F);
}

TEST(Windows, MeanOfZerosIsNoNumber) {
  std::vector<float> out(2);
  average_windows(std::vector<float>(4), std::vector<int64_t>{1, 1}, true, out);
  EXPECT_EQ(out, (std::vector<float>{0, 0}));
}

// Words that are one token each, so that texts can be cut where windows are.
std::vector<std::string> single_tokens(const Engine& engine) {
  std::vector<std::string> words;
  for (char c = 'a'; c <= 'z'; ++c) words.emplace_back(1, c);
  const Result alone = embed(engine, Texts(words.begin(), words.end()));
  std::vector<std::string> singles;
  for (size_t i = 0; i < words.size(); ++i) {
    if (alone.tokens[i] == 3) singles.push_back(words[i]);
  }
  return singles;
}

std::string joined(const std::vector<std::string>& words, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) text += (i == begin ? "" : " ") + words[i % words.size()];
  return text;
}

TEST(LongText, ChunksAreNotTheMeanOfTheirWindows) {
  const Engine whole = Engine::load(data_path("tiny-mean"), options_of({{"threads", "2"}}));
  const std::vector<std::string> words = single_tokens(whole);
  ASSERT_GE(words.size(), 5U);
  const Engine chunked = Engine::load(
      data_path("tiny-mean"),
      options_of({{"threads", "2"}, {"long_text", "chunk"}, {"window", "12"}, {"max_tokens", "14"}, {"overlap", "3"}}));
  // 12 tokens fit; 13 to 14 fit max_tokens and stay whole; 27 become [0, 10), [7, 17), [14, 24), [21, 27).
  const Result parts = embed(whole, {joined(words, 0, 10), joined(words, 7, 17), joined(words, 14, 24),
                                     joined(words, 21, 27), joined(words, 0, 12)});
  const Result result = embed(chunked, {joined(words, 0, 27), joined(words, 0, 12), std::nullopt, ""});
  const std::vector<int64_t> weights{10, 10, 10, 6};
  std::vector<float> expected(static_cast<size_t>(whole.dim()));
  const auto first_four = static_cast<std::ptrdiff_t>(4 * whole.dim());
  average_windows(std::vector<float>(parts.data.begin(), parts.data.begin() + first_four), weights, true, expected);
  EXPECT_TRUE(same_bits(result.row(0), expected));
  EXPECT_EQ(result.tokens[0], 12 + 12 + 12 + 8);
  EXPECT_EQ(result.truncated[0], 0);
  EXPECT_TRUE(same_bits(result.row(1), parts.row(4)));
  EXPECT_EQ(result.status[2], static_cast<int32_t>(RowStatus::kNull));
  EXPECT_EQ(result.tokens[3], 2);
  EXPECT_EQ(result.stats.rows, 3);
  EXPECT_EQ(result.stats.tokens, 44 + 14 + 2);
}

TEST(LongText, ChunkDependsOnNeighboursBatchesOrThreads) {
  const Engine plain = Engine::load(data_path("tiny-mean"), {});
  const std::vector<std::string> words = single_tokens(plain);
  Texts texts;
  for (size_t i = 0; i < 40; ++i) texts.push_back(joined(words, i, i + 1 + i * 37 % 300));
  std::vector<Result> results;
  for (const char* threads : {"1", "3"}) {
    for (const char* budget : {"16", "512"}) {
      const Engine engine = Engine::load(
          data_path("tiny-mean"),
          options_of({{"long_text", "chunk"}, {"max_tokens", "16"}, {"threads", threads}, {"batch_tokens", budget}}));
      results.push_back(embed(engine, texts));
      const Result last = embed(engine, {texts.back()});
      EXPECT_TRUE(same_bits(last.row(0), results[0].row(texts.size() - 1)));
    }
  }
  for (const Result& result : results) EXPECT_TRUE(same_bits(result.data, results[0].data));
}

TEST(LongText, PromptIsLostAfterTheFirstWindow) {
  const Engine plain = Engine::load(data_path("tiny-mean"), {});
  const std::vector<std::string> words = single_tokens(plain);
  const Engine whole = Engine::load(data_path("tiny-mean"), options_of({{"prompt", "a b "}}));
  const Engine chunked = Engine::load(data_path("tiny-mean"),
                                      options_of({{"prompt", "a b "}, {"long_text", "chunk"}, {"max_tokens", "10"}}));
  const int64_t prompt_tokens = embed(plain, {"a b"}).tokens[0] - 2;
  const auto size = static_cast<size_t>(10 - 2 - prompt_tokens);
  const Result parts = embed(whole, {joined(words, 0, size), joined(words, size, size + 2)});
  const Result result = embed(chunked, {joined(words, 0, size + 2)});
  std::vector<float> expected(static_cast<size_t>(whole.dim()));
  average_windows(parts.data, std::vector<int64_t>{static_cast<int64_t>(size), 2}, true, expected);
  EXPECT_TRUE(same_bits(result.row(0), expected));
}

TEST(LongText, WindowWithoutRoomIsTaken) {
  const auto message_of = [](std::initializer_list<std::pair<const char*, const char*>> settings) -> std::string {
    try {
      Engine::load(data_path("tiny-mean"), options_of(settings));
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(message_of({{"long_text", "chunk"}, {"max_tokens", "20"}, {"window", "21"}}),
            "option window: got 21, expected 3 (special tokens, the prompt's and one more) to 20 (max_tokens)");
  EXPECT_EQ(message_of({{"long_text", "chunk"}, {"max_tokens", "20"}, {"overlap", "18"}}),
            "option overlap: got 18, expected less than the 18 tokens of text in a window of 20");
}

}  // namespace
}  // namespace emberline
