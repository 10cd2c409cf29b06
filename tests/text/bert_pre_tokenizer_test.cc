// SPDX-License-Identifier: Apache-2.0
#include "text/bert_pre_tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace emberline {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  std::vector<WordSpan> spans;
  make_bert_pre_tokenizer()->append_words(text, spans);
  Words words;
  for (const WordSpan& span : spans) words.push_back(text.substr(span.begin, span.end - span.begin));
  return words;
}

TEST(BertPreTokenizer, SplitsAtWhiteSpaceAndAroundPunctuation) {
  EXPECT_EQ(words_of(""), Words());
  EXPECT_EQ(words_of(" \t\n "), Words());
  EXPECT_EQ(words_of("Hey friend!     How are you?!?"),
            (Words{"Hey", "friend", "!", "How", "are", "you", "?", "!", "?"}));
  EXPECT_EQ(words_of("a-b"), (Words{"a", "-", "b"}));
  EXPECT_EQ(words_of("!a"), (Words{"!", "a"}));
}

TEST(BertPreTokenizer, KnowsWhiteSpaceAndPunctuationBeyondAscii) {
  EXPECT_EQ(words_of("a\u00A0b\u3000c\u2028d"), (Words{"a", "b", "c", "d"}));
  EXPECT_EQ(words_of("«a»。b…"), (Words{"«", "a", "»", "。", "b", "…"}));
  EXPECT_EQ(words_of("a\u200Bb"), (Words{"a\u200Bb"}));  // zero width space is no white space
  EXPECT_EQ(words_of("a€b"), (Words{"a€b"}));            // a symbol is no punctuation
  EXPECT_EQ(words_of("a$b"), (Words{"a", "$", "b"}));    // but in ASCII it is
}

TEST(BertPreTokenizer, SeparatesAtTheSameCharactersAsItSplits) {
  const auto stage = make_bert_pre_tokenizer();
  for (const char32_t c : {U' ', U'.', U'。', U'\u3000', U'$'}) EXPECT_TRUE(stage->separates(c));
  for (const char32_t c : {U'a', U'中', U'€', U'\u0301', U'\U0001F600'}) EXPECT_FALSE(stage->separates(c));
}

}  // namespace
}  // namespace emberline
