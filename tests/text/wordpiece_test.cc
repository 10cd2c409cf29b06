// SPDX-License-Identifier: Apache-2.0
#include "text/wordpiece.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "text/text_fixture.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

WordPieceConfig config_of(const std::vector<std::string>& pieces) {
  WordPieceConfig config;
  for (size_t i = 0; i < pieces.size(); ++i) config.vocab.emplace_back(pieces[i], static_cast<int32_t>(i));
  return config;
}

Ids ids_of(const WordPieceConfig& config, const std::string& word) {
  Ids ids;
  make_wordpiece(config)->append_ids(word, std::vector<WordSpan>{{0, word.size()}}, 1000, ids);
  return ids;
}

// As the published algorithm reads: the longest piece that fits, from left to right.
Ids naive(const WordPieceConfig& config, const std::string& word) {
  const std::map<std::string, int32_t> vocab(config.vocab.begin(), config.vocab.end());
  const Ids unknown = {vocab.at(config.unk_token)};
  if (utf8::count(word) > config.max_input_chars_per_word) return unknown;
  Ids ids;
  for (size_t start = 0; start < word.size();) {
    size_t end = word.size();
    for (; end > start; --end) {
      const auto piece =
          vocab.find((start > 0 ? config.continuing_subword_prefix : "") + word.substr(start, end - start));
      if (piece == vocab.end()) continue;
      ids.push_back(piece->second);
      break;
    }
    if (end == start) return unknown;
    start = end;
  }
  return ids;
}

TEST(WordPiece, TakesTheLongestPieceFromLeftToRight) {
  const WordPieceConfig config = config_of({"[UNK]", "un", "##aff", "##able", "##a", "unaff", "able"});
  EXPECT_EQ(ids_of(config, "unaffable"), (Ids{5, 3}));
  EXPECT_EQ(ids_of(config, "una"), (Ids{1, 4}));
  EXPECT_EQ(ids_of(config, "able"), (Ids{6}));
  EXPECT_EQ(ids_of(config, "unaffx"), (Ids{0}));
  EXPECT_EQ(ids_of(config, "##a"), (Ids{4}));  // a word may spell a continuing piece
}

TEST(WordPiece, LongWordsAreCountedInCodePoints) {
  WordPieceConfig config = config_of({"[UNK]", "é", "##é"});
  config.max_input_chars_per_word = 3;
  EXPECT_EQ(ids_of(config, "ééé"), (Ids{1, 2, 2}));
  EXPECT_EQ(ids_of(config, "éééé"), (Ids{0}));
  config.max_input_chars_per_word = 0;
  EXPECT_EQ(ids_of(config, "é"), (Ids{0}));
}

TEST(WordPiece, PrefixMayBeEmptyOrUnknownToTheVocabulary) {
  WordPieceConfig config = config_of({"[UNK]", "a", "b", "##c"});
  config.continuing_subword_prefix = "";
  EXPECT_EQ(ids_of(config, "abba"), (Ids{1, 2, 2, 1}));
  config.continuing_subword_prefix = "@@";
  EXPECT_EQ(ids_of(config, "a"), (Ids{1}));
  EXPECT_EQ(ids_of(config, "ac"), (Ids{0}));
}

TEST(WordPiece, StopsWhenItHasEnough) {
  const auto model = make_wordpiece(config_of({"[UNK]", "a", "##b"}));
  const std::vector<WordSpan> words(50, WordSpan{0, 1});
  Ids ids;
  model->append_ids("a", words, 7, ids);
  EXPECT_EQ(ids, Ids(7, 1));
}

TEST(WordPiece, VocabularyWithoutTheUnknownPieceIsRefused) {
  EXPECT_EQ(refusal(Code::kFormat, [] { make_wordpiece(config_of({"a"})); }),
            "WordPiece: the vocabulary has no piece for unk_token \"[UNK]\"");
}

TEST(WordPiece, RandomWordsOverRandomVocabulariesAreAsTheNaiveLoopSplitsThem) {
  std::mt19937 random(11);
  const std::vector<std::string> letters = {"a", "b", "é", "中", "#", "😀"};
  const auto word = [&](size_t longest) {
    std::string text;
    for (size_t length = 1 + random() % longest; length > 0; --length) text += letters[random() % letters.size()];
    return text;
  };
  for (int round = 0; round < 60; ++round) {
    std::map<std::string, int32_t> vocab = {{"[UNK]", 0}};
    for (size_t i = 1; i < 1 + random() % 400; ++i) {
      vocab.emplace((random() % 2 ? "##" : "") + word(5), static_cast<int32_t>(vocab.size()));
    }
    WordPieceConfig config;
    config.vocab.assign(vocab.begin(), vocab.end());
    config.max_input_chars_per_word = 9;
    const auto model = make_wordpiece(config);
    for (int i = 0; i < 200; ++i) {
      const std::string text = word(10);
      Ids ids;
      model->append_ids(text, std::vector<WordSpan>{{0, text.size()}}, 1000, ids);
      ASSERT_EQ(ids, naive(config, text)) << text;
    }
    for (const auto& [piece, id] : vocab) ASSERT_EQ(model->find(piece), id);
    EXPECT_EQ(model->find("zz"), -1);
  }
}

}  // namespace
}  // namespace emberline
