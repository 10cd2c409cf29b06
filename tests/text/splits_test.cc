// SPDX-License-Identifier: Apache-2.0
#include "text/splits.h"

#include <gtest/gtest.h>

#include "text/metaspace.h"
#include "text/pre_tokenizer_sequence.h"
#include "text/stage_fixture.h"

namespace emberline {
namespace {

using Strings = std::vector<std::string>;

TEST(Splits, DelimitersAreDroppedKeptOrMerged) {
  const auto words = [](Delimiter delimiter) { return words_of(*make_punctuation(delimiter), "a..b. c"); };
  EXPECT_EQ(words(Delimiter::kRemoved), (Strings{"a", "b", " c"}));
  EXPECT_EQ(words(Delimiter::kIsolated), (Strings{"a", ".", ".", "b", ".", " c"}));
  EXPECT_EQ(words(Delimiter::kMergedWithPrevious), (Strings{"a.", ".", "b.", " c"}));
  EXPECT_EQ(words(Delimiter::kMergedWithNext), (Strings{"a", ".", ".b", ". c"}));
  EXPECT_EQ(words(Delimiter::kContiguous), (Strings{"a", "..", "b", ".", " c"}));
}

TEST(Splits, StringIsTheDelimiterOrWhatLiesBetween) {
  EXPECT_EQ(words_of(*make_string_split("ab", Delimiter::kRemoved, false), "xabyabab"), (Strings{"x", "y"}));
  EXPECT_EQ(words_of(*make_string_split("ab", Delimiter::kRemoved, true), "xabyabab"), (Strings{"ab", "ab", "ab"}));
}

TEST(Splits, WhiteSpaceAndWordCharacters) {
  EXPECT_EQ(words_of(*make_whitespace_split(), " a\u00A0b-c\n"), (Strings{"a", "b-c"}));
  EXPECT_EQ(words_of(*make_whitespace(), " a_1\u0301-+ b"), (Strings{"a_1\u0301", "-+", "b"}));
}

TEST(Splits, DigitsOfAllScriptsStandTogetherOrAlone) {
  EXPECT_EQ(words_of(*make_digits(false), "a12½٣b"), (Strings{"a", "12½٣", "b"}));
  EXPECT_EQ(words_of(*make_digits(true), "a12b"), (Strings{"a", "1", "2", "b"}));
}

TEST(Metaspace, WordsBeginAtSpaces) {
  using Prepend = MetaspaceConfig::Prepend;
  EXPECT_EQ(words_of(*make_metaspace({}), "a  b"), (Strings{"▁a", "▁", "▁b"}));
  EXPECT_EQ(words_of(*make_metaspace({}), " a▁b "), (Strings{"▁a", "▁b", "▁"}));
  EXPECT_EQ(words_of(*make_metaspace({U'▁', Prepend::kNever, true}), "a b"), (Strings{"a", "▁b"}));
  EXPECT_EQ(words_of(*make_metaspace({U'▁', Prepend::kAlways, false}), "a b"), (Strings{"▁a▁b"}));
  EXPECT_EQ(words_of(*make_metaspace({U'▁', Prepend::kFirst, true}), "a", true), (Strings{"▁a"}));
  EXPECT_EQ(words_of(*make_metaspace({U'▁', Prepend::kFirst, true}), "a", false), (Strings{"a"}));
}

TEST(PreTokenizerSequence, LaterPartsCutTheWordsOfEarlierOnes) {
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  parts.push_back(make_whitespace_split());
  parts.push_back(make_metaspace({}));
  parts.push_back(make_digits(true));
  const auto stage = make_pre_tokenizer_sequence(std::move(parts));
  EXPECT_EQ(words_of(*stage, "ab 12\tc"), (Strings{"▁ab", "▁", "1", "2", "▁c"}));
  EXPECT_TRUE(stage->separates(' '));
}

}  // namespace
}  // namespace emberline
