// SPDX-License-Identifier: Apache-2.0
#include "text/unicode.h"

#include <algorithm>

namespace emberline::unicode {
namespace {

// Index of `c` among the sorted `keys`, or `count`.
size_t find_key(const uint32_t* keys, size_t count, char32_t c) {
  const uint32_t* end = keys + count;
  const uint32_t* found = std::lower_bound(keys, end, static_cast<uint32_t>(c));
  return found != end && *found == c ? static_cast<size_t>(found - keys) : count;
}

}  // namespace

std::u32string_view lower(char32_t c) {
  if (!(flags(c) & kHasLower)) return {};
  const size_t i = find_key(kLowerKeys, kNumLowerKeys, c);
  if (i == kNumLowerKeys) return {};
  return {kLowerChars + kLowerStarts[i], static_cast<size_t>(kLowerStarts[i + 1] - kLowerStarts[i])};
}

std::u32string_view decomposition(char32_t c) {
  if (!(flags(c) & kHasDecomposition)) return {};
  const size_t i = find_key(kDecompositionKeys, kNumDecompositionKeys, c);
  if (i == kNumDecompositionKeys) return {};
  return {kDecompositionChars + kDecompositionStarts[i],
          static_cast<size_t>(kDecompositionStarts[i + 1] - kDecompositionStarts[i])};
}

std::u32string_view compatibility(char32_t c) {
  if (!(traits(c) & kCompatibility)) return {};
  const size_t i = find_key(kCompatibilityKeys, kNumCompatibilityKeys, c);
  if (i == kNumCompatibilityKeys) return {};
  return {kCompatibilityChars + kCompatibilityStarts[i],
          static_cast<size_t>(kCompatibilityStarts[i + 1] - kCompatibilityStarts[i])};
}

char32_t compose(char32_t first, char32_t second) {
  if (first >= 0x1100 && first < 0x1113 && second >= 0x1161 && second < 0x1176) {
    return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28;
  }
  const bool open_syllable = is_hangul_syllable(first) && (first - 0xAC00) % 28 == 0;
  if (open_syllable && second > 0x11A7 && second < 0x11C3) return first + (second - 0x11A7);
  const auto [begin, end] = std::equal_range(kCompositionFirst, kCompositionFirst + kNumCompositions, uint32_t{first});
  const uint32_t* const seconds = kCompositionSecond + (begin - kCompositionFirst);
  const uint32_t* const last = kCompositionSecond + (end - kCompositionFirst);
  const uint32_t* const found = std::lower_bound(seconds, last, uint32_t{second});
  return found != last && *found == second ? char32_t{kCompositionWhole[found - kCompositionSecond]} : 0;
}

uint8_t combining_class(char32_t c) {
  if (!(flags(c) & kHasDecomposition)) return 0;
  const size_t i = find_key(kCombiningKeys, kNumCombiningKeys, c);
  return i == kNumCombiningKeys ? 0 : kCombiningClasses[i];
}

int decompose_hangul(char32_t syllable, char32_t jamo[3]) {
  const uint32_t index = static_cast<uint32_t>(syllable) - 0xAC00;
  jamo[0] = 0x1100 + index / 588;
  jamo[1] = 0x1161 + index % 588 / 28;
  jamo[2] = 0x11A7 + index % 28;
  return index % 28 == 0 ? 2 : 3;
}

}  // namespace emberline::unicode
