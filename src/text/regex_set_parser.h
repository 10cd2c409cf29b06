// SPDX-License-Identifier: Apache-2.0
#pragma once
// What one character of a text may be, as a regular expression writes it: sets in brackets, and escapes.
#include "text/character_set.h"
#include "text/regex_reader.h"

namespace emberline {

// Each takes what it reads, begun behind the [ or the backslash. Throws Error(kUnsupported) where it holds what is not
// known here.
CharacterSet parse_bracketed_set(RegexReader& reader);
CharacterSet parse_escape(RegexReader& reader);

}  // namespace emberline
