// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the reference tokenizer knows about a code point. Pure lookups in immutable tables.
#include <cstdint>
#include <string_view>

#include "text/unicode_tables.h"

namespace emberline::unicode {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kMaxCodePoint = 0x10FFFF;

enum CharFlag : uint8_t {
  kWhitespace = 1,          // char::is_whitespace of the pre-tokenizers
  kCleaned = 2,             // clean_text drops it (control, format, private, unassigned, NUL, U+FFFD)
  kPunctuation = 4,         // stands alone in BertPreTokenizer
  kChinese = 8,             // handle_chinese_chars puts spaces around it
  kMark = 16,               // non-spacing mark: strip_accents drops it
  kWord = 32,               // \w of added-token matching
  kHasLower = 64,           // lower case differs
  kHasDecomposition = 128,  // canonical decomposition differs, or the combining class is not 0
};

// `c` must be at most kMaxCodePoint.
inline uint8_t flags(char32_t c) {
  return kFlagBlocks[size_t{kFlagBlockOf[c >> 7]} * 128 + (c & 127)];
}

enum CharTrait : uint16_t {
  kLetter = 1,           // \p{L} of patterns
  kNumber = 2,           // \p{N} of patterns
  kPatternSpace = 4,     // \s of patterns
  kNumeric = 8,          // char::is_numeric of Digits
  kCombining = 16,       // a mark of any kind: StripAccents drops it
  kJoins = 32,           // in one grapheme cluster with what is before it
  kPrepends = 64,        // in one grapheme cluster with what is behind it
  kBreaks = 128,         // a grapheme cluster of its own
  kPictograph = 256,     // joins another one over U+200D
  kCompatibility = 512,  // compatibility decomposition differs from the canonical one
  kMayCompose = 1024,    // NFC may change it, or change what is before it because of it
};

// `c` must be at most kMaxCodePoint.
inline uint16_t traits(char32_t c) {
  return kTraitBlocks[size_t{kTraitBlockOf[c >> 7]} * 128 + (c & 127)];
}

// The general category of patterns, as a place in the list of regex_set_parser.cc, and what else patterns ask.
enum CategoryFlag : uint8_t {
  kCategoryMask = 31,
  kPatternWord = 32,  // \w of patterns
  kHan = 64,          // \p{Han}
};

// `c` must be at most kMaxCodePoint.
inline uint8_t category(char32_t c) {
  return kCategoryBlocks[size_t{kCategoryBlockOf[c >> 7]} * 128 + (c & 127)];
}

// Lower case of one character, regardless of its neighbours; empty: the character itself.
std::u32string_view lower(char32_t c);

// Full canonical decomposition of one character other than a Hangul syllable; empty: the character itself.
std::u32string_view decomposition(char32_t c);

// Full compatibility decomposition where it differs from the canonical one; else empty.
std::u32string_view compatibility(char32_t c);

// The character that the two are canonically equal to, or 0.
char32_t compose(char32_t first, char32_t second);

// 0 for starters.
uint8_t combining_class(char32_t c);

constexpr bool is_hangul_syllable(char32_t c) {
  return c >= 0xAC00 && c < 0xD7A4;
}

// The two or three jamo of a Hangul syllable, written to `jamo`; returns how many.
int decompose_hangul(char32_t syllable, char32_t jamo[3]);

}  // namespace emberline::unicode
