// SPDX-License-Identifier: Apache-2.0
#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include "text/added_vocabulary.h"
#include "text/text_fixture.h"

namespace emberline {
namespace {

AddedToken token(const std::string& content, int32_t id) {
  AddedToken added;
  added.content = content;
  added.id = id;
  return added;
}

// "[begin-end=id]" of each match.
std::string matches(const AddedTokenMatcher& matcher, std::string_view text, size_t part = 1000) {
  std::ostringstream found;
  AddedTokenMatcher::Cursor cursor;
  for (size_t limit = std::min(part, text.size());; limit = std::min(limit + part, text.size())) {
    AddedTokenMatcher::Match match{};
    while (matcher.next(text, limit, cursor, match)) {
      found << '[' << match.begin << '-' << match.end << '=' << match.id << ']';
    }
    if (limit == text.size()) return found.str();
  }
}

TEST(AddedTokens, LeftmostThenLongestMatchWins) {
  const AddedTokenMatcher matcher({token("ab", 1), token("abc", 2), token("bcd", 3)});
  EXPECT_EQ(matches(matcher, "abcd"), "[0-3=2]");
  EXPECT_EQ(matches(matcher, "abd bcd"), "[0-2=1][4-7=3]");
  EXPECT_EQ(matches(matcher, "ababc"), "[0-2=1][2-5=2]");
  EXPECT_EQ(matches(matcher, ""), "");
  EXPECT_EQ(matches(AddedTokenMatcher(), "abc"), "");
}

TEST(AddedTokens, ReadingInPartsFindsTheSame) {
  const AddedTokenMatcher matcher({token("[SEP]", 1), token("[SE", 2), token("]x", 3)});
  const std::string text = "a[SEP][SE]x [SEP]x[[SEP]]x";
  for (size_t part = 1; part < 30; ++part) EXPECT_EQ(matches(matcher, text, part), matches(matcher, text)) << part;
}

TEST(AddedTokens, SingleWordsAreNotFoundInsideWords) {
  AddedToken word = token("w", 1);
  word.single_word = true;
  const AddedTokenMatcher matcher({word});
  EXPECT_EQ(matches(matcher, "w"), "[0-1=1]");
  EXPECT_EQ(matches(matcher, "w.w"), "[0-1=1][2-3=1]");
  EXPECT_EQ(matches(matcher, "ww aw w_ 5w éw w\u0301 中w"), "");
  EXPECT_EQ(matches(matcher, "\x80w\x80"), "[1-2=1]");  // ill-formed bytes are no word
}

TEST(AddedTokens, StrippingTakesWhiteSpaceButNotFromTheMatchBefore) {
  AddedToken left = token("<l>", 1), right = token("<r>", 2);
  left.lstrip = true;
  right.rstrip = true;
  const AddedTokenMatcher matcher({left, right});
  EXPECT_EQ(matches(matcher, "a \u3000<l> b"), "[1-8=1]");
  EXPECT_EQ(matches(matcher, "a <r>\t\u00A0 b"), "[2-9=2]");
  EXPECT_EQ(matches(matcher, "<r>  <l>"), "[0-5=2][5-8=1]");
}

TEST(AddedTokens, TwoTokensWithOneContentAreRefused) {
  EXPECT_EQ(refusal(Code::kFormat, [] { AddedTokenMatcher({token("a", 1), token("b", 2), token("a", 3)}); }),
            "added_tokens: two tokens are matched as \"a\"");
}

TEST(AddedVocabulary, IdsComeFromTheVocabularyElseFollowIt) {
  const std::vector<std::pair<std::string, int32_t>> pieces = {{"a", 4}, {"b", 9}};
  AddedVocabulary vocabulary(pieces);
  EXPECT_EQ(vocabulary.add(token("b", 77)), 9);
  EXPECT_EQ(vocabulary.add(token("new", 77)), 2);  // the vocabulary's size, not its largest id: as tokenizers does
  EXPECT_EQ(vocabulary.add(token("newer", -1)), 3);
  AddedToken changed = token("new", -1);
  changed.lstrip = true;
  EXPECT_EQ(vocabulary.add(changed), 2);
  ASSERT_EQ(vocabulary.tokens().size(), 3U);
  EXPECT_TRUE(vocabulary.tokens()[1].lstrip);
  EXPECT_EQ(vocabulary.largest_id(), 9);
}

}  // namespace
}  // namespace emberline
