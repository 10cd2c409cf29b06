// SPDX-License-Identifier: Apache-2.0
#pragma once
// How much of two sequences is kept where both together are too long (truncation "longest_first"): a pure function.
#include <cstddef>

namespace emberline {

struct PairLengths {
  size_t first = 0;
  size_t second = 0;
};

// The longer one alone is cut where the shorter fits into half of `room`; else both to half of it, and of an odd room
// the longer one has the odd token, the second where both are equally long.
PairLengths longest_first(PairLengths whole, size_t room);

}  // namespace emberline
