// SPDX-License-Identifier: Apache-2.0
#pragma once
// A set of characters as regular expressions name them.
#include <array>
#include <cstdint>
#include <vector>

namespace emberline {

// A character is in it if `negated` differs from whether any part has it and all of `also` have it.
struct CharacterSet {
  struct Range {
    char32_t first;
    char32_t last;
  };

  bool negated = false;
  std::vector<Range> ranges;
  uint32_t categories = 0;  // a bit for each general category (unicode::category)
  uint8_t properties = 0;   // of unicode::CategoryFlag
  bool white_space = false;
  std::vector<CharacterSet> nested;
  std::vector<CharacterSet> also;
  std::array<bool, 128> ascii = {};  // the answer, once finish was called

  bool has(char32_t c) const { return c < 128 && finished_ ? ascii[c] : looked_up(c); }
  void finish();

 private:
  bool looked_up(char32_t c) const;

  bool finished_ = false;
};

}  // namespace emberline
