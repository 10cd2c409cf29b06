// SPDX-License-Identifier: Apache-2.0
#include "text/regex.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/text_fixture.h"

namespace emberline {
namespace {

using Strings = std::vector<std::string>;

Strings matches(const std::string& pattern, const std::string& text) {
  const Regex regex(pattern, "p");
  Strings found;
  size_t at = 0;
  for (Regex::Match match{}; regex.find(text, at, match); at = match.end) {
    found.push_back(text.substr(match.begin, match.end - match.begin));
  }
  return found;
}

TEST(Regex, TheFirstAlternativeWinsNotTheLongest) {
  EXPECT_EQ(matches("a|ab", "ab"), (Strings{"a"}));
  EXPECT_EQ(matches("(?:a|ab)c", "abc"), (Strings{"abc"}));
}

TEST(Regex, GreedyTakesMostLazyLeastPossessiveGivesNothingBack) {
  EXPECT_EQ(matches("a+a", "aaa"), (Strings{"aaa"}));
  EXPECT_EQ(matches("a+?a", "aaa"), (Strings{"aa"}));
  EXPECT_EQ(matches("a++a", "aaa"), (Strings{}));
  EXPECT_EQ(matches("a{1,2}b", "aaab"), (Strings{"aab"}));
  EXPECT_EQ(matches("a{2}", "aaaaa"), (Strings{"aa", "aa"}));
  EXPECT_EQ(matches("a{1,2}+", "aaaaa"), (Strings{"aaaaa"})) << "+ behind an interval repeats it";
  EXPECT_EQ(matches("a{,2}b", "aaab"), (Strings{"aab"}));
  EXPECT_EQ(matches("(?>a+)b|a", "aac"), (Strings{"a", "a"}));
}

TEST(Regex, SetsHaveRangesNestedSetsAndIntersections) {
  EXPECT_EQ(matches("[a-cx]+", "abxd"), (Strings{"abx"}));
  EXPECT_EQ(matches("[^a-c]+", "abxd"), (Strings{"xd"}));
  EXPECT_EQ(matches("[a-z&&[^aeiou]]+", "bcade"), (Strings{"bc", "d"}));
  EXPECT_EQ(matches("[^(\\s|[.,])]+", "a(b, c"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(matches("[\\]\\-a-]+", "]-ab"), (Strings{"]-a"}));
  EXPECT_EQ(matches("\\P{Lu}+|[\\p{^L}]", "aB1"), (Strings{"a", "1"}));
  EXPECT_EQ(matches("\\p{Han}+", "ab中文c"), (Strings{"中文"}));
  EXPECT_EQ(matches("[\\x{4e00}-\\u9fff\\x41]+", "A中b"), (Strings{"A中"}));
}

TEST(Regex, CaseDoesNotCountForAsciiLetters) {
  EXPECT_EQ(matches("(?i:'s|'LL|[dk])x?", "'S'ſ'llDX\u212A"), (Strings{"'S", "'ſ", "'ll", "D", "\u212A"}));
}

TEST(Regex, PlacesAreLookedAt) {
  EXPECT_EQ(matches("\\s+(?!\\S)|\\s+", "a  b "), (Strings{" ", " ", " "}));
  EXPECT_EQ(matches("(?<=é)b|(?<!b)c", "ébcc"), (Strings{"b", "c"}));
  EXPECT_EQ(matches("^a|b$", "aa\nab\nb"), (Strings{"a", "a", "b", "b"}));
  EXPECT_EQ(matches("a.", "a\nab"), (Strings{"ab"}));
}

TEST(Regex, ManyWaysBackAreTried) {
  const std::string long_text(20000, 'a');
  EXPECT_EQ(matches("(?:a|b)+c|a", long_text.substr(0, 300)).size(), 300U);
  EXPECT_EQ(matches("[ab]+", long_text), (Strings{long_text}));
}

TEST(Regex, WhatIsNotKnownIsRefusedByName) {
  const auto complaint = [](const std::string& pattern) {
    return refusal(Code::kUnsupported, [&] { Regex(pattern, "file: pattern"); });
  };
  EXPECT_EQ(complaint("a*"), "file: pattern: pattern \"a*\" can match nothing, expected one that takes text");
  EXPECT_EQ(complaint("(a)\\1"),
            "file: pattern: pattern \"(a)\\1\" is not supported: a backslash with another character than those known "
            "before byte 5");
  EXPECT_EQ(complaint("\\p{Greek}x"),
            "file: pattern: pattern \"\\p{Greek}x\" is not supported: \\p{Greek}, which is no general category, before "
            "byte 9");
  for (const char* pattern : {"(a",       "a)",      "[a",
                              "[]",       "a**",     "(?:a?)+",
                              "*a",       "a{2,1}",  "a{9999}",
                              "(?<=a+)b", "(?<n>a)", "[[:alpha:]]",
                              "\\b",      "[z-a]",   "(?i:é)",
                              "(?i:ss)",  "\\p{L",   "\\x{110000}",
                              "\xFF",     "a\\",     "((((a{1000}){1000}){1000}){1000})"}) {
    EXPECT_EQ(complaint(pattern).find("file: pattern: pattern "), 0U) << pattern;
  }
}

}  // namespace
}  // namespace emberline
