// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a regular expression becomes: instructions for a matcher that goes back where a way fails.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace emberline {

// A set of characters. One is in it if `negated` differs from whether any part has it and all of `also` have it.
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

struct RegexInstruction {
  enum class Kind : uint8_t {
    kSet,        // takes one character of sets[value]
    kSplit,      // goes on at `first`, and at `second` where that fails
    kJump,       // goes on at `first`
    kLineStart,  // ^
    kLineEnd,    // $
    kAhead,      // goes on at `second` if what follows, up to kDone, matches here (value 1) or does not (0)
    kBehind,     // likewise, begun `first` characters earlier
    kAtomic,     // goes on at `second` behind the first way in which what follows, up to kDone, matches here
    kDone,
  };

  Kind kind;
  uint32_t value = 0;
  int32_t first = 0;   // relative to this instruction, but for kBehind
  int32_t second = 0;  // relative to this instruction
};

struct RegexProgram {
  std::vector<RegexInstruction> code;  // ends with kDone
  std::vector<CharacterSet> sets;
};

// Throws Error(kUnsupported); `place` names the expression in messages.
RegexProgram parse_regex(std::string_view pattern, std::string_view place);

}  // namespace emberline
