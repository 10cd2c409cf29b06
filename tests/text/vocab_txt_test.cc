// SPDX-License-Identifier: Apache-2.0
#include "text/vocab_txt.h"

#include <gtest/gtest.h>

#include <map>

#include "text/text_fixture.h"

namespace emberline {
namespace {

std::map<std::string, int32_t> read(std::string_view text) {
  const auto vocab = read_vocab_txt(text);
  return {vocab.begin(), vocab.end()};
}

using Vocab = std::map<std::string, int32_t>;

TEST(VocabTxt, LineNumbersAreIds) {
  EXPECT_EQ(read("a\nb\n"), (Vocab{{"a", 0}, {"b", 1}}));
  EXPECT_EQ(read("a\nb"), (Vocab{{"a", 0}, {"b", 1}}));
  EXPECT_EQ(read("a\r\n b \u3000\r\n"), (Vocab{{"a", 0}, {" b", 1}}));
}

TEST(VocabTxt, OfEqualLinesTheLastCounts) {
  EXPECT_EQ(read("a\n\na\n \n"), (Vocab{{"a", 2}, {"", 3}}));
}

TEST(VocabTxt, EmptyAndIllFormedFilesAreRefused) {
  EXPECT_EQ(refusal(Code::kFormat, [] { read_vocab_txt(""); }), "vocab.txt: has no pieces");
  EXPECT_EQ(refusal(Code::kFormat, [] { read_vocab_txt("ab\n\xFF"); }), "vocab.txt: invalid UTF-8 at byte 3");
}

}  // namespace
}  // namespace emberline
