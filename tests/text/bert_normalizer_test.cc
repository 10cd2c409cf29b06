// SPDX-License-Identifier: Apache-2.0
#include "text/bert_normalizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "text/normalizer_sequence.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

std::u32string decoded(const std::string& text) {
  std::u32string out;
  for (const char* p = text.data(); p < text.data() + text.size();) out += utf8::decode(p);
  return out;
}

std::string encoded(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) utf8::append(c, out);
  return out;
}

std::string normalized(const Normalizer& normalizer, const std::string& text) {
  std::string out = "kept";
  normalizer.append(text, out);
  EXPECT_EQ(out.substr(0, 4), "kept");
  return out.substr(4);
}

// The same, one plain pass after the other over whole strings, as the reference is written.
std::u32string decompose(const std::u32string& text) {
  std::u32string out;
  for (const char32_t c : text) {
    char32_t jamo[3];
    const std::u32string_view parts = unicode::decomposition(c);
    if (unicode::is_hangul_syllable(c)) {
      out.append(jamo, static_cast<size_t>(unicode::decompose_hangul(c, jamo)));
    } else if (parts.empty()) {
      out += c;
    } else {
      out += parts;
    }
  }
  for (auto run = out.begin(); run != out.end();) {
    const auto end = std::find_if(run, out.end(), [](char32_t c) { return unicode::combining_class(c) == 0; });
    std::stable_sort(run, end,
                     [](char32_t a, char32_t b) { return unicode::combining_class(a) < unicode::combining_class(b); });
    run = end == out.end() ? end : end + 1;
  }
  return out;
}

std::string naive(const BertNormalizerConfig& config, const std::string& text) {
  std::u32string now = decoded(text);
  std::u32string next;
  if (config.clean_text) {
    for (const char32_t c : now) {
      if (unicode::flags(c) & unicode::kCleaned) continue;
      next += unicode::flags(c) & unicode::kWhitespace ? U' ' : c;
    }
    now.swap(next);
  }
  if (config.handle_chinese_chars) {
    next.clear();
    for (const char32_t c : now) {
      next += unicode::flags(c) & unicode::kChinese ? std::u32string{U' ', c, U' '} : std::u32string{c};
    }
    now.swap(next);
  }
  if (config.strip_accents) {
    now = decompose(now);
    std::erase_if(now, [](char32_t c) { return unicode::flags(c) & unicode::kMark; });
  }
  if (config.lowercase) {
    next.clear();
    for (const char32_t c : now)
      next += unicode::lower(c).empty() ? std::u32string{c} : std::u32string(unicode::lower(c));
    now.swap(next);
  }
  return encoded(now);
}

std::vector<BertNormalizerConfig> all_configs() {
  std::vector<BertNormalizerConfig> configs;
  for (int bits = 0; bits < 16; ++bits)
    configs.push_back({bool(bits & 1), bool(bits & 2), bool(bits & 4), bool(bits & 8)});
  return configs;
}

TEST(BertNormalizer, GivesWhatTheReferenceGives) {
  const auto uncased = make_bert_normalizer({});
  EXPECT_EQ(normalized(*uncased, ""), "");
  EXPECT_EQ(normalized(*uncased, "Ab\tc\r\nD"), "ab c  d");
  EXPECT_EQ(normalized(*uncased, "ÉCOLE naïve Ǆ"), "ecole naive ǆ");
  EXPECT_EQ(normalized(*uncased, "中a文"), " 中 a 文 ");
  EXPECT_EQ(normalized(*uncased, std::string("a\0b\uFFFDc\u00ADd", 10)), "abcd");
  EXPECT_EQ(normalized(*uncased, "\uD55C"), "\u1112\u1161\u11AB");
  EXPECT_EQ(normalized(*uncased, "ΟΔΟΣ"), "οδοσ");
  const auto cased = make_bert_normalizer({true, true, false, false});
  EXPECT_EQ(normalized(*cased, "École 한"), "École 한");
  const auto lower = make_lowercase();
  EXPECT_EQ(normalized(*lower, "İ中\tÉ"), "i̇中\té");
}

// None may outgrow the buffer of three bytes for one, either.
TEST(BertNormalizer, EveryCodePointAloneIsAsTheNaivePassesMakeIt) {
  for (const BertNormalizerConfig& config : all_configs()) {
    const auto normalizer = make_bert_normalizer(config);
    for (char32_t c = 0; c <= unicode::kMaxCodePoint; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string text;
      utf8::append(c, text);
      const std::string expected = naive(config, text);
      ASSERT_LE(expected.size(), 3 * text.size()) << static_cast<uint32_t>(c);
      ASSERT_EQ(normalized(*normalizer, text), expected) << static_cast<uint32_t>(c);
    }
  }
}

// Marks that are dropped, marks that stay and change places, and characters that decompose, in random company.
TEST(BertNormalizer, CombiningCharactersInAnyCompanyAreAsTheNaivePassesMakeThem) {
  std::vector<char32_t> interesting = {U'a', U' ', U'É', 0x2E, 0xE31, 0x200D, 0xAC01, 0x4E2D, 0xF900, 0x302E, 0x302F};
  for (char32_t c = 0; c <= unicode::kMaxCodePoint; ++c) {
    if (unicode::combining_class(c) != 0 && !(unicode::flags(c) & unicode::kMark)) interesting.push_back(c);
    if (unicode::combining_class(c) != 0 && c % 16 == 0) interesting.push_back(c);
    if (!unicode::decomposition(c).empty() && c % 32 == 0) interesting.push_back(c);
  }
  std::mt19937 random(7);
  for (const BertNormalizerConfig& config : all_configs()) {
    const auto normalizer = make_bert_normalizer(config);
    for (int round = 0; round < 3000; ++round) {
      std::u32string text;
      for (size_t length = random() % 9; length > 0; --length) text += interesting[random() % interesting.size()];
      ASSERT_EQ(normalized(*normalizer, encoded(text)), naive(config, encoded(text))) << encoded(text);
    }
  }
}

TEST(NormalizerSequence, RunsItsPartsInOrder) {
  std::vector<std::unique_ptr<Normalizer>> parts;
  parts.push_back(make_lowercase());
  parts.push_back(make_bert_normalizer({true, true, true, false}));
  EXPECT_EQ(normalized(*make_normalizer_sequence(std::move(parts)), "ÉA 中"), "ea  中 ");
  EXPECT_EQ(normalized(*make_normalizer_sequence({}), "ÉA"), "ÉA");
}

}  // namespace
}  // namespace emberline
