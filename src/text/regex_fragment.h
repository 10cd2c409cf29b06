// SPDX-License-Identifier: Apache-2.0
#pragma once
// Parts of a regular expression as instructions that can stand anywhere, and what they are joined to.
#include <cstdint>
#include <optional>
#include <vector>

#include "text/regex_program.h"

namespace emberline {

struct RegexFragment {
  std::vector<RegexInstruction> code;
  size_t least = 0;                 // characters that it takes
  std::optional<size_t> exact = 0;  // if it always takes as many
};

void append(std::vector<RegexInstruction>& code, const std::vector<RegexInstruction>& more);

// `a`, then `b`.
RegexFragment joined(RegexFragment a, const RegexFragment& b);

// `a`, or where that fails `b`.
RegexFragment either(const RegexFragment& a, const RegexFragment& b);

// `inside` behind kAhead, kBehind (it must have an exact length) or kAtomic; `value` is 1 where it must match.
RegexFragment looked(RegexInstruction::Kind kind, const RegexFragment& inside, uint32_t value);

}  // namespace emberline
