// SPDX-License-Identifier: Apache-2.0
#pragma once
// The merges of a BPE model, and their application to a word.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace emberline {

struct Merge {
  int32_t left;
  int32_t right;
  int32_t whole;
};

// Immutable after construction; safe from many threads.
class MergeTable {
 public:
  // The place in `merges` is the rank; of equal pairs the last counts. Ids are not negative.
  explicit MergeTable(const std::vector<Merge>& merges);

  // Joins pairs of `symbols` as long as one is in the table: always that of the lowest rank, of those the leftmost.
  void apply(std::vector<int32_t>& symbols) const;

 private:
  struct Slot {
    uint64_t pair = UINT64_MAX;  // no pair of ids
    uint32_t rank = 0;
    int32_t whole = 0;
  };

  const Slot* find(int32_t left, int32_t right) const;
  void apply_to_few(std::vector<int32_t>& symbols) const;
  void apply_to_many(std::vector<int32_t>& symbols) const;

  std::vector<Slot> slots_;  // open addressing; a power of two
};

}  // namespace emberline
