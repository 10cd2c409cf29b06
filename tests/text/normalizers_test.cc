// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "text/char_normalizers.h"
#include "text/graphemes.h"
#include "text/precompiled.h"
#include "text/replace.h"
#include "text/stage_fixture.h"
#include "text/text_fixture.h"
#include "text/unicode_form.h"

namespace emberline {
namespace {

// A charsmap of one string and what it becomes: each byte of the string is a unit that leads to the next.
std::string charsmap_of(const std::string& from, const std::string& to) {
  // Blocks of 256 units: the one of depth i begins at 256 * i and is entered with the low byte of its parent.
  std::vector<uint32_t> units(256 * (from.size() + 1), 0);
  uint32_t low = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const auto byte = static_cast<uint8_t>(from[i]);
    low ^= byte;
    const auto block = static_cast<uint32_t>(i);
    const bool last = i + 1 == from.size();
    units[256 * block + low] = (block ^ (block + 1)) << 10 | 1U << 9 | (last ? 1U << 8 : 0) | byte;
  }
  std::string bytes;
  const auto put = [&](uint32_t unit) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(unit >> shift & 0xFF));
  };
  put(static_cast<uint32_t>(4 * units.size()));
  for (const uint32_t unit : units) put(unit);
  return bytes + to + '\0';
}

TEST(Precompiled, ShortClusterBecomesTheFormOfWhatItBeginsWith) {
  const auto stage = make_precompiled(charsmap_of("é", "E"), "file");
  EXPECT_EQ(form_of(*stage, "aéb"), "aEb");
  EXPECT_EQ(form_of(*stage, "é\u0301"), "E");                    // 4 bytes: the mark goes
  EXPECT_EQ(form_of(*stage, "é\u0301\u0301"), "E\u0301\u0301");  // 6 bytes: it stays
  EXPECT_EQ(form_of(*make_precompiled(charsmap_of("a", ""), "file"), "banana"), "bnn");
}

TEST(Precompiled, DamagedCharsmapsAreRefused) {
  const std::string whole = charsmap_of("a", "b");
  EXPECT_EQ(refusal(Code::kFormat, [] { make_precompiled("", "file"); }),
            "file: charsmap of 0 bytes, expected at least 4");
  EXPECT_EQ(refusal(Code::kFormat, [&] { make_precompiled(whole.substr(0, 100), "file"); }),
            "file: charsmap of 100 bytes says its trie has 2048, expected a multiple of 4 that fits");
  EXPECT_EQ(refusal(Code::kFormat, [&] { make_precompiled(whole + "\xFF", "file"); }),
            "file: invalid UTF-8 at byte 2054 of the charsmap");
}

TEST(Precompiled, TrieThatLeadsNowhereLeavesTextAlone) {
  for (size_t at = 4; at < 2052; ++at) {
    std::string damaged = charsmap_of("a", "b");
    damaged[at] = '\xFF';
    const auto stage = make_precompiled(damaged, "file");
    EXPECT_LE(form_of(*stage, "some text of any kind é").size(), 100U);
  }
}

TEST(Precompiled, Base64) {
  EXPECT_EQ(decode_base64("", "file"), "");
  EXPECT_EQ(decode_base64("YQ==", "file"), "a");
  EXPECT_EQ(decode_base64("YWI=", "file"), "ab");
  EXPECT_EQ(decode_base64("+/A/", "file"), "\xFB\xF0\x3F");
  EXPECT_EQ(refusal(Code::kFormat, [] { decode_base64("YQ=", "file"); }),
            "file: 3 characters, expected base64: a multiple of 4");
  EXPECT_EQ(refusal(Code::kFormat, [] { decode_base64("Y*==", "file"); }), "file: character 1 is not of base64");
}

TEST(Graphemes, EndWhereAUserSeesTheNextCharacter) {
  const auto lengths = [](std::string_view text) {
    std::vector<size_t> found;
    for (size_t at = 0; at < text.size();) {
      const size_t end = grapheme_end(text, at);
      found.push_back(end - at);
      at = end;
    }
    return found;
  };
  using Lengths = std::vector<size_t>;
  EXPECT_EQ(lengths("ab\r\n\n"), (Lengths{1, 1, 2, 1}));
  EXPECT_EQ(lengths("e\u0301\u0301x"), (Lengths{5, 1}));
  EXPECT_EQ(lengths("\u1100\u1161\u11A8\uAC00\u11A8\uAC00"), (Lengths{9, 6, 3}));
  EXPECT_EQ(lengths("\U0001F1E9\U0001F1EA\U0001F1E9\U0001F1EA\U0001F1E9"), (Lengths{8, 8, 4}));
  EXPECT_EQ(lengths("\u0600a"), (Lengths{3}));
  EXPECT_EQ(lengths("\n\u0301"), (Lengths{1, 2}));
}

TEST(UnicodeForm, TakesApartOrdersAndComposes) {
  const auto form = [](UnicodeForm kind, std::string_view text) { return form_of(*make_unicode_form(kind), text); };
  EXPECT_EQ(form(UnicodeForm::kNfd, "xé한"), "xe\u0301\u1112\u1161\u11AB");
  EXPECT_EQ(form(UnicodeForm::kNfc, "xe\u0301\u1112\u1161\u11ABy"), "xé한y");
  EXPECT_EQ(form(UnicodeForm::kNfd, "a\u0301\u0323"), "a\u0323\u0301");
  EXPECT_EQ(form(UnicodeForm::kNfc, "a\u0301\u0323"), "\u1EA1\u0301");
  EXPECT_EQ(form(UnicodeForm::kNfc, "\u212B \u0958"), "\u00C5 \u0915\u093C");
  EXPECT_EQ(form(UnicodeForm::kNfkc, "ﬁ①\uFF21 \u1E9B\u0323"), "fi1A \u1E69");
  EXPECT_EQ(form(UnicodeForm::kNfkd, "\u1E9B\u0323"), "s\u0323\u0307");
  EXPECT_EQ(form(UnicodeForm::kNfc, "\u0301a\u0301"), "\u0301á");
}

TEST(CharNormalizers, DropAndReplaceCharacters) {
  EXPECT_EQ(form_of(*make_nmt(), "a\x01\u200B\uFEFF\tb\u2581c\x7F"), "a   b c");
  EXPECT_EQ(form_of(*make_strip_accents(), "e\u0301\u0903x\u20DD"), "ex");
  EXPECT_EQ(form_of(*make_strip(true, true), " \u3000a b\n"), "a b");
  EXPECT_EQ(form_of(*make_strip(false, true), " a "), " a");
  EXPECT_EQ(form_of(*make_strip(true, true), " \n"), "");
  EXPECT_EQ(form_of(*make_prepend("▁"), "a"), "▁a");
  EXPECT_EQ(form_of(*make_prepend("▁"), ""), "");
}

TEST(Replace, StringsAndKnownPatterns) {
  EXPECT_EQ(form_of(*make_replace_string("``", "\""), "a``b```"), "a\"b\"`");
  EXPECT_EQ(form_of(*make_replace_pattern(" {2,}", "_", "p"), "a b  c    "), "a b_c_");
  EXPECT_EQ(form_of(*make_replace_pattern("\\s+", "_", "p"), "a \n\u3000b"), "a_b");
  EXPECT_EQ(form_of(*make_replace_pattern("\\s{2,}|[\\n\\r\\t]", "_", "p"), "a \nb\tc d"), "a_b_c d");
  EXPECT_EQ(form_of(*make_replace_pattern("(?<=\\d)[.,](?=\\d)", "", "p"), "1,234.5, 6."), "12345, 6.");
}

}  // namespace
}  // namespace emberline
