// SPDX-License-Identifier: Apache-2.0
#include "text/pair_lengths.h"

#include <algorithm>

namespace emberline {

PairLengths longest_first(PairLengths whole, size_t room) {
  const size_t shorter = std::min(whole.first, whole.second);
  const size_t longer = std::max(whole.first, whole.second);
  if (longer <= room && shorter <= room - longer) return whole;
  const size_t of_shorter = std::min(shorter, room / 2);
  const bool first_is_longer = whole.first > whole.second;
  return first_is_longer ? PairLengths{room - of_shorter, of_shorter} : PairLengths{of_shorter, room - of_shorter};
}

}  // namespace emberline
