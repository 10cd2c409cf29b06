// SPDX-License-Identifier: Apache-2.0
#include "text/character_set.h"

#include <algorithm>

#include "text/unicode.h"

namespace emberline {

bool CharacterSet::looked_up(char32_t c) const {
  const uint8_t category = unicode::category(c);
  bool found = (categories >> (category & unicode::kCategoryMask) & 1) != 0 || (properties & category) != 0 ||
               (white_space && (unicode::traits(c) & unicode::kPatternSpace) != 0);
  found = found || std::any_of(ranges.begin(), ranges.end(),
                               [&](const Range& range) { return c >= range.first && c <= range.last; });
  found = found || std::any_of(nested.begin(), nested.end(), [&](const CharacterSet& set) { return set.has(c); });
  found = found && std::all_of(also.begin(), also.end(), [&](const CharacterSet& set) { return set.has(c); });
  return found != negated;
}

void CharacterSet::finish() {
  for (char32_t c = 0; c < 128; ++c) ascii[c] = looked_up(c);
  finished_ = true;
}

}  // namespace emberline
