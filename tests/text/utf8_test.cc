// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace emberline {
namespace {

const std::string kBad = "\xEF\xBF\xBD";  // U+FFFD

std::string repaired(std::string_view text) {
  std::string out;
  utf8::append_repaired(text, out);
  return out;
}

TEST(Utf8, EveryScalarValueSurvivesEncodingAndDecoding) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char bytes[4];
    const auto length = static_cast<size_t>(utf8::encode(c, bytes) - bytes);
    const char* p = bytes;
    ASSERT_EQ(utf8::decode(p), c);
    ASSERT_EQ(static_cast<size_t>(p - bytes), length);
    const utf8::Step step = utf8::step({bytes, length});
    ASSERT_TRUE(step.valid && step.code_point == c && step.length == length) << static_cast<uint32_t>(c);
    ASSERT_EQ(utf8::before({bytes, length}, length), c);
    ASSERT_EQ(utf8::valid_prefix({bytes, length}), length);
  }
}

// The right sides are what Python's bytes.decode(errors="replace") gives.
TEST(Utf8, EachMaximalIllFormedPartBecomesOneReplacement) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain", "plain"},
      {"\xFF", kBad},
      {"a\x80z", "a" + kBad + "z"},
      {"\xC0\xAF", kBad + kBad},  // overlong
      {"\xC3", kBad},             // cut
      {"\xC3(", kBad + "("},
      {"\xE4\xB8", kBad},  // one part of two bytes
      {"\xE4\xB8z", kBad + "z"},
      {"\xE4\xB8\xAD", "\xE4\xB8\xAD"},
      {"\xE0\x80\x80", kBad + kBad + kBad},  // overlong
      {"\xED\xA0\x80", kBad + kBad + kBad},  // surrogate
      {"\xF0\x9F\x98", kBad},                // one part of three bytes
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xF0\x80\x80\x80", kBad + kBad + kBad + kBad},  // overlong
      {"\xF4\x90\x80\x80", kBad + kBad + kBad + kBad},  // above U+10FFFF
      {"\xF8\x88\x80\x80\x80", kBad + kBad + kBad + kBad + kBad},
      {"\xE4\xB8\xC3\xA9", kBad + "\xC3\xA9"},
      {std::string("a\0\xFE", 3), std::string("a\0", 2) + kBad},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(repaired(text), expected) << ::testing::PrintToString(text);
}

TEST(Utf8, LongAsciiRunsDoNotHideABadByteAtAnyPlace) {
  for (size_t at = 0; at < 40; ++at) {
    std::string text(40, 'x');
    text[at] = '\xFF';
    EXPECT_EQ(utf8::valid_prefix(text), at);
    EXPECT_EQ(repaired(text), text.substr(0, at) + kBad + text.substr(at + 1));
  }
}

TEST(Utf8, LookingBackSeesNoCharacterInIllFormedBytes) {
  EXPECT_EQ(utf8::before("a\x80", 2), 0xFFFDU);
  EXPECT_EQ(utf8::before("\xE4\xB8", 2), 0xFFFDU);
  EXPECT_EQ(utf8::before("\x80\x80\x80\x80\x80", 5), 0xFFFDU);
  EXPECT_EQ(utf8::before("\xC3\xA9\x80", 3), 0xFFFDU);
  EXPECT_EQ(utf8::before("\xC3\xA9z", 2), 0xE9U);
}

TEST(Utf8, CountIsOfCodePointsNotBytes) {
  EXPECT_EQ(utf8::count("a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80"), 4U);
}

}  // namespace
}  // namespace emberline
