// SPDX-License-Identifier: Apache-2.0
#include "text/graphemes.h"

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

constexpr char32_t kJoiner = 0x200D;

bool is_regional(char32_t c) {
  return c >= 0x1F1E6 && c <= 0x1F1FF;
}

enum class Hangul { kNone, kLeading, kVowel, kTrailing, kOpenSyllable, kClosedSyllable };

Hangul hangul(char32_t c) {
  if (c < 0x1100 || c > 0xD7FB) return Hangul::kNone;
  if (c <= 0x115F || (c >= 0xA960 && c <= 0xA97C)) return Hangul::kLeading;
  if (c <= 0x11A7 || (c >= 0xD7B0 && c <= 0xD7C6)) return Hangul::kVowel;
  if (c <= 0x11FF || c >= 0xD7CB) return Hangul::kTrailing;
  if (!unicode::is_hangul_syllable(c)) return Hangul::kNone;
  return (c - 0xAC00) % 28 == 0 ? Hangul::kOpenSyllable : Hangul::kClosedSyllable;
}

bool is_one_syllable(char32_t before, char32_t c) {
  const Hangul second = hangul(c);
  if (second == Hangul::kNone) return false;
  switch (hangul(before)) {
    case Hangul::kLeading: return second != Hangul::kTrailing;
    case Hangul::kOpenSyllable:
    case Hangul::kVowel: return second == Hangul::kVowel || second == Hangul::kTrailing;
    case Hangul::kClosedSyllable:
    case Hangul::kTrailing: return second == Hangul::kTrailing;
    case Hangul::kNone: break;
  }
  return false;
}

}  // namespace

size_t grapheme_end(std::string_view text, size_t begin) {
  const char* const end = text.data() + text.size();
  const char* p = text.data() + begin;
  char32_t before = utf8::decode(p);
  uint16_t traits = unicode::traits(before);
  if (traits & unicode::kBreaks) {
    if (before == '\r' && p < end && *p == '\n') ++p;
    return static_cast<size_t>(p - text.data());
  }
  bool pictograph = traits & unicode::kPictograph;  // then only joining characters
  bool odd_regional = is_regional(before);          // an odd number of them ends here
  while (p < end) {
    const char* next = p;
    const char32_t c = utf8::decode(next);
    const uint16_t next_traits = unicode::traits(c);
    if (next_traits & unicode::kBreaks) break;
    const bool joins = next_traits & unicode::kJoins;
    const bool after_joiner = pictograph && before == kJoiner && next_traits & unicode::kPictograph;
    const bool pair = odd_regional && is_regional(c);
    if (!joins && !(traits & unicode::kPrepends) && !after_joiner && !pair && !is_one_syllable(before, c)) break;
    odd_regional = is_regional(c) && !pair;
    pictograph = (pictograph && joins) || next_traits & unicode::kPictograph;
    before = c;
    traits = next_traits;
    p = next;
  }
  return static_cast<size_t>(p - text.data());
}

}  // namespace emberline
