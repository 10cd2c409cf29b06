// SPDX-License-Identifier: Apache-2.0
#include "text/pair_lengths.h"

#include <gtest/gtest.h>

namespace emberline {
namespace {

using Lengths = std::pair<size_t, size_t>;

Lengths kept(size_t first, size_t second, size_t room) {
  const PairLengths lengths = longest_first({first, second}, room);
  return {lengths.first, lengths.second};
}

// One token at a time from the longer text. Where both are equally long the second loses it, but as an odd room goes to
// the text that was longer, and to the second where none was.
Lengths kept_one_by_one(size_t first, size_t second, size_t room) {
  const bool first_was_longer = first > second;
  while (first + second > room) {
    if (first == second) {
      --(first_was_longer ? second : first);
    } else {
      --(first > second ? first : second);
    }
  }
  return {first, second};
}

TEST(PairLengths, PairThatFitsIsKeptWhole) {
  EXPECT_EQ(kept(3, 4, 7), Lengths(3, 4));
  EXPECT_EQ(kept(0, 0, 0), Lengths(0, 0));
  EXPECT_EQ(kept(7, 0, 7), Lengths(7, 0));
}

TEST(PairLengths, LongerTextAloneIsCutWhereTheOtherTakesLessThanHalf) {
  EXPECT_EQ(kept(2, 100, 10), Lengths(2, 8));
  EXPECT_EQ(kept(100, 2, 10), Lengths(8, 2));
}

TEST(PairLengths, OddTokenOfBothGoesToTheLongerText) {
  EXPECT_EQ(kept(100, 99, 11), Lengths(6, 5));
  EXPECT_EQ(kept(99, 100, 11), Lengths(5, 6));
  EXPECT_EQ(kept(99, 99, 11), Lengths(5, 6));
}

TEST(PairLengths, CutsAsTakingOneTokenAtATimeDoes) {
  for (size_t first = 0; first < 14; ++first) {
    for (size_t second = 0; second < 14; ++second) {
      for (size_t room = 0; room < 30; ++room) {
        EXPECT_EQ(kept(first, second, room), kept_one_by_one(first, second, room))
            << first << " and " << second << " in " << room;
      }
    }
  }
}

TEST(PairLengths, LengthsNearTheLargestNumberDoNotOverflow) {
  const size_t most = ~size_t{0};
  EXPECT_EQ(kept(most, most, 9), Lengths(4, 5));
  EXPECT_EQ(kept(most, 3, most), Lengths(most - 3, 3));
}

}  // namespace
}  // namespace emberline
