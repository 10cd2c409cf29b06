// SPDX-License-Identifier: Apache-2.0
#include "text/regex.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "text/regex_ends.h"
#include "text/text_fixture.h"

namespace emberline {
namespace {

using Strings = std::vector<std::string>;

Strings matches(Regex::Search search, const std::string& text) {
  Strings found;
  size_t at = 0;
  for (Regex::Match match{}; search.find(at, match); at = match.end) {
    found.push_back(text.substr(match.begin, match.end - match.begin));
  }
  return found;
}
Strings matches(const std::string& pattern, const std::string& text) {
  const Regex regex(pattern, "p");
  return matches(Regex::Search(regex, text), text);
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
  EXPECT_EQ(matches("(?i:s|t)", "S\uFB06T"), (Strings{"S", "T"}));
  EXPECT_EQ(matches("s(?i:s)|(?i:f)if", "ßsSFiff"), (Strings{"sS", "Fif"}));
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

TEST(Regex, WaysThroughATextGrowWithItsLengthAlone) {
  // Each takes time that grows as a square or a power of two where ways are followed twice.
  const char* const patterns[] = {
      "(a+)+b",   "(?:a|aa)+b", "(?:a+?)+?b",       "(?:a*c?b|a)+c",      "a+b|a",           "a++b|a",
      "(?=a*$)a", "(?!a*b)a",   "(?>(?:a|aa)+)b|a", "(?<=a)(?:aa|a)*b|a", "(?=(?:a+)+b)c|a", "(?:a+|b+)*(?:a|b)+c"};
  const std::string text(100000, 'a');
  for (const char* pattern : patterns) {
    const Regex regex(pattern, "p");
    Regex::Search search(regex, text);
    size_t at = 0;
    for (Regex::Match match{}; search.find(at, match); at = match.end) {
    }
    EXPECT_TRUE(at == 0 || at == text.size()) << pattern << " " << at;
    EXPECT_LT(search.num_choices(), 60 * text.size()) << pattern;
  }
}

TEST(Regex, UsualPatternsKeepNothing) {
  const Regex regex(
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      "p");
  std::string text;
  for (int i = 0; i < 100; ++i) text += "It's the 12345th of 7 — schön, 日本語!  \n\n x";
  Regex::Search search(regex, text);
  size_t at = 0;
  for (Regex::Match match{}; search.find(at, match); at = match.end) EXPECT_EQ(match.begin, at);
  EXPECT_EQ(at, text.size());
  EXPECT_LT(search.num_choices(), Regex::Search::kUsualChoices / 2 * text.size());
}

// Patterns of all that is known, some of which are refused.
class RandomPattern {
 public:
  explicit RandomPattern(std::mt19937& random) : random_(random) {}

  std::string alternatives(int depth) {
    std::string pattern = sequence(depth);
    while (random_() % 3 == 0) {
      pattern += '|';
      pattern += sequence(depth);
    }
    return pattern;
  }

 private:
  std::string any_of(const std::vector<std::string>& choices) { return choices[random_() % choices.size()]; }
  std::string sequence(int depth) {
    std::string pattern;
    for (size_t count = 1 + random_() % 3; count > 0; --count) pattern += part(depth);
    return pattern;
  }
  std::string part(int depth) {
    const std::string repeat =
        any_of({"", "", "", "+", "*", "?", "+?", "*?", "??", "++", "*+", "{1,2}", "{2}", "{2,}?"});
    if (depth == 0 || random_() % 2 == 0) return any_of({"a", "a", "b", "[ab]", "[^a]", "."}) + repeat;
    if (random_() % 4 == 0) return any_of({"(?=", "(?!", "(?<=", "(?<!"}) + alternatives(depth - 1) + ")";
    return any_of({"(?:", "(?:", "(?>"}) + alternatives(depth - 1) + ")" + repeat;
  }

  std::mt19937& random_;
};

TEST(Regex, WhatIsKeptChangesNoMatch) {
  std::mt19937 random(11);
  int accepted = 0;
  size_t num_matches = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string pattern = RandomPattern(random).alternatives(3);
    try {
      const Regex regex(pattern, "p");
      ++accepted;
      for (int i = 0; i < 3; ++i) {
        std::string text;
        for (size_t length = random() % 12; length > 0; --length) text += "aaabc"[random() % 5];
        const Strings found = matches(Regex::Search(regex, text, SIZE_MAX), text);
        for (const size_t choices : {0, 1, 3}) {
          ASSERT_EQ(matches(Regex::Search(regex, text, choices), text), found) << pattern << " in " << text;
        }
        num_matches += found.size();
      }
    } catch (const Error&) {
      continue;
    }
  }
  EXPECT_GT(accepted, 5000);
  EXPECT_GT(num_matches, 10000U);
}

TEST(RegexEnds, MoreThanFitsIsRefusedBeforeItIsTaken) {
  RegexEnds ends(1000, size_t{1} << 21);
  EXPECT_EQ(ends.find(0, 1000), RegexEnds::kUnknown);
  EXPECT_NE(refusal(Code::kOutOfMemory, [&] { ends.keep(0, 0, 1); }).find("256 MiB"), std::string::npos);
}

TEST(RegexEnds, EndsAreKeptByMeetingAndPlace) {
  RegexEnds ends(100, 3);
  ends.keep(1, 64, 64);
  ends.keep(2, 64, RegexEnds::kNone);
  ends.keep(0, 63, 100);
  EXPECT_EQ(ends.find(1, 64), 64U);
  EXPECT_EQ(ends.find(2, 64), RegexEnds::kNone);
  EXPECT_EQ(ends.find(0, 63), 100U);
  for (const size_t meeting : {0U, 2U}) EXPECT_EQ(ends.find(meeting, 65), RegexEnds::kUnknown);
  EXPECT_EQ(ends.find(0, 64), RegexEnds::kUnknown);
  EXPECT_EQ(ends.find(1, 0), RegexEnds::kUnknown);
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
  for (const char* pattern : {"(a",          "a)",         "[a",
                              "[]",          "a**",        "(?:a?)+",
                              "*a",          "a{2,1}",     "a{9999}",
                              "(?<=a+)b",    "(?<n>a)",    "[[:alpha:]]",
                              "\\b",         "[z-a]",      "(?i:é)",
                              "(?i:ss)",     "\\p{L",      "\\x{110000}",
                              "\xFF",        "a\\",        "((((a{1000}){1000}){1000}){1000})",
                              "\\xC3\\xA9",  "[\\x80]",    "ba{,}",
                              "(?i:(?:s)s)", "(?i:f(?:i))"}) {
    EXPECT_EQ(complaint(pattern).find("file: pattern: pattern "), 0U) << pattern;
  }
}

TEST(Regex, SizeOfAPatternOverflowsNothing) {
  const auto complaint = [](const std::string& pattern) {
    return refusal(Code::kUnsupported, [&] { Regex(pattern, "p"); });
  };
  const std::string digits(40, '9');
  EXPECT_NE(complaint("a{" + digits + "}").find("too many repeats before byte 42"), std::string::npos);
  std::string parts;
  for (int i = 0; i < 200000; ++i) parts += "a&&";
  EXPECT_NE(complaint("[" + parts + "a]").find("sets that are too deep"), std::string::npos);
  EXPECT_NE(complaint(std::string(200000, '[')).find("sets that are too deep"), std::string::npos);
  EXPECT_NE(complaint(std::string(200000, '(')).find("groups that are too deep"), std::string::npos);
  EXPECT_EQ(matches("[a-z&&[^b]&&[a-c]]+", "abcd"), (Strings{"a", "c"}));
}

}  // namespace
}  // namespace emberline
