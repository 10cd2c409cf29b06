// SPDX-License-Identifier: Apache-2.0
#include "text/unigram.h"

#include <gtest/gtest.h>

#include "text/stage_fixture.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

UnigramConfig letter_pieces() {
  UnigramConfig config;
  config.pieces = {{"<unk>", 0}, {"a", 0},  {"b", 0},   {"c", 0},    {"d", 0},
                   {"cd", 1},    {"ab", 2}, {"abc", 5}, {"abcd", 10}};
  return config;
}

TEST(Unigram, TakesThePiecesWhoseScoresAddUpToTheMost) {
  const auto model = make_unigram(letter_pieces());
  EXPECT_EQ(ids_of(*model, "abcdacd"), (Ids{8, 1, 5}));
  EXPECT_EQ(ids_of(*model, "abc"), (Ids{7}));
  EXPECT_EQ(model->find("abc"), 7);
  EXPECT_EQ(model->find("abcde"), -1);
}

TEST(Unigram, UnknownCharactersThatTouchAreOneToken) {
  const auto model = make_unigram(letter_pieces());
  EXPECT_EQ(ids_of(*model, "axx日ya"), (Ids{1, 0, 1}));
  EXPECT_EQ(ids_of(*model, "xax"), (Ids{0, 1, 0}));
  EXPECT_EQ(ids_of(*model, "x<unk>x"), (Ids{0}));
}

TEST(Unigram, OfEqualScoresTheLongerLastPieceStays) {
  UnigramConfig config;
  config.pieces = {{"<unk>", 0}, {"a", -1}, {"aa", -2}};
  EXPECT_EQ(ids_of(*make_unigram(config), "aaa"), (Ids{1, 2}));
}

TEST(Unigram, BytesStandForUnknownPartsIfAllOfThemArePieces) {
  UnigramConfig config = letter_pieces();
  config.pieces.emplace_back("<0xC3>", -1);
  config.pieces.emplace_back("<0xA9>", -1);
  config.byte_fallback = true;
  EXPECT_EQ(ids_of(*make_unigram(config), "aéb"), (Ids{1, 9, 10, 2}));
  EXPECT_EQ(ids_of(*make_unigram(config), "aéxb"), (Ids{1, 0, 2}));
  config.byte_fallback = false;
  EXPECT_EQ(ids_of(*make_unigram(config), "aéb"), (Ids{1, 0, 2}));
}

TEST(Unigram, LongWordsAndWordsSeenBeforeAreBuiltAlike) {
  const auto model = make_unigram(letter_pieces());
  std::string word;
  Ids expected;
  for (int i = 0; i < 300; ++i) {
    word += "abcda";
    expected.insert(expected.end(), {8, 1});
    EXPECT_EQ(ids_of(*model, word), expected);
    EXPECT_EQ(ids_of(*model, "abcda"), (Ids{8, 1}));
  }
}

}  // namespace
}  // namespace emberline
