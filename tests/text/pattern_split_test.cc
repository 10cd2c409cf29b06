// SPDX-License-Identifier: Apache-2.0
#include "text/pattern_split.h"

#include <gtest/gtest.h>

#include "text/stage_fixture.h"

namespace emberline {
namespace {

using Strings = std::vector<std::string>;

Strings gpt2(const std::string& text) {
  return words_of(*make_pattern_split(kGpt2Pattern), text);
}
Strings llama3(const std::string& text) {
  return words_of(*make_pattern_split(kLlama3Pattern), text);
}
Strings qwen2(const std::string& text) {
  return words_of(*make_pattern_split(kQwen2Pattern), text);
}

TEST(PatternSplit, Gpt2TakesOneSpaceIntoTheWordBehindIt) {
  EXPECT_EQ(gpt2("Hello  world 12a!? x"), (Strings{"Hello", " ", " world", " 12", "a", "!?", " x"}));
  EXPECT_EQ(gpt2("a\n\nb \n"), (Strings{"a", "\n", "\n", "b", " \n"}));
  EXPECT_EQ(gpt2("\tx"), (Strings{"\t", "x"}));
}

TEST(PatternSplit, ContractionsAreCutOff) {
  EXPECT_EQ(gpt2("I'll've 'sun 'X"), (Strings{"I", "'ll", "'ve", " '", "sun", " '", "X"}));
  EXPECT_EQ(gpt2("it'S"), (Strings{"it", "'", "S"}));
  EXPECT_EQ(llama3("it'S I'Ll 'r"), (Strings{"it", "'S", " I", "'Ll", " '", "r"}));
  EXPECT_EQ(llama3("it'\u017F"), (Strings{"it", "'\u017F"}));
}

TEST(PatternSplit, Llama3TakesAnyCharacterBeforeLettersAndThreeDigits) {
  EXPECT_EQ(llama3("(foo) 1234567 .x"), (Strings{"(foo", ")", " ", "123", "456", "7", " .", "x"}));
  EXPECT_EQ(qwen2("a123"), (Strings{"a", "1", "2", "3"}));
}

TEST(PatternSplit, Llama3EndsWhiteSpaceBehindItsLastLineEnd) {
  EXPECT_EQ(llama3("a \n\n  b"), (Strings{"a", " \n\n", " ", " b"}));
  EXPECT_EQ(llama3("x;\r\n\r\ny"), (Strings{"x", ";\r\n\r\n", "y"}));
  EXPECT_EQ(llama3("a   "), (Strings{"a", "   "}));
}

TEST(PatternSplit, OtherExpressionsAreNotTaken) {
  EXPECT_EQ(make_pattern_split("\\w+"), nullptr);
}

}  // namespace
}  // namespace emberline
