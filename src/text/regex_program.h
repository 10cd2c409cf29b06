// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a regular expression becomes: instructions for a matcher that goes back where a way fails.
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/character_set.h"

namespace emberline {

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
  // [code.size()] the number of a meeting, an instruction at which several ways may come to the same place; else -1
  std::vector<int32_t> meetings;
  size_t num_meetings = 0;
};

// Throws Error(kUnsupported); `place` names the expression in messages.
RegexProgram parse_regex(std::string_view pattern, std::string_view place);

// Numbers the meetings of a program whose code is complete.
void number_meetings(RegexProgram& program);

}  // namespace emberline
