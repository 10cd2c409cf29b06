// SPDX-License-Identifier: Apache-2.0
#include "text/bert_pre_tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/stage_fixture.h"

namespace emberline {
namespace {

using Strings = std::vector<std::string>;

Strings words_in(const std::string& text) {
  return words_of(*make_bert_pre_tokenizer(), text);
}

TEST(BertPreTokenizer, SplitsAtWhiteSpaceAndAroundPunctuation) {
  EXPECT_EQ(words_in(""), Strings());
  EXPECT_EQ(words_in(" \t\n "), Strings());
  EXPECT_EQ(words_in("Hey friend!     How are you?!?"),
            (Strings{"Hey", "friend", "!", "How", "are", "you", "?", "!", "?"}));
  EXPECT_EQ(words_in("a-b"), (Strings{"a", "-", "b"}));
  EXPECT_EQ(words_in("!a"), (Strings{"!", "a"}));
}

TEST(BertPreTokenizer, KnowsWhiteSpaceAndPunctuationBeyondAscii) {
  EXPECT_EQ(words_in("a\u00A0b\u3000c\u2028d"), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(words_in("«a»。b…"), (Strings{"«", "a", "»", "。", "b", "…"}));
  EXPECT_EQ(words_in("a\u200Bb"), (Strings{"a\u200Bb"}));  // zero width space is no white space
  EXPECT_EQ(words_in("a€b"), (Strings{"a€b"}));            // a symbol is no punctuation
  EXPECT_EQ(words_in("a$b"), (Strings{"a", "$", "b"}));    // but in ASCII it is
}

TEST(BertPreTokenizer, SeparatesAtTheSameCharactersAsItSplits) {
  const auto stage = make_bert_pre_tokenizer();
  for (const char32_t c : {U' ', U'.', U'。', U'\u3000', U'$'}) EXPECT_TRUE(stage->separates(c));
  for (const char32_t c : {U'a', U'中', U'€', U'\u0301', U'\U0001F600'}) EXPECT_FALSE(stage->separates(c));
}

}  // namespace
}  // namespace emberline
