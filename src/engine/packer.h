// SPDX-License-Identifier: Apache-2.0
#pragma once
// How rows become work: pure functions over integers.
#include <cstdint>
#include <span>
#include <vector>

namespace emberline {

// Rows [begin, end) of a call that one thread takes at a time.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// What a row costs before it is tokenized: its bytes, of which truncation lets at most `max_bytes` count, plus a
// constant.
struct RowCost {
  int64_t constant = 0;
  int64_t max_bytes = 0;
};

// Cost of one claim when `remaining` is left for num_workers workers: half of an equal share, so that claims shrink and
// all workers finish together, but never outside [smallest, largest]. A worker alone takes the largest.
int64_t claim_cost(int64_t remaining, int64_t num_workers, int64_t smallest, int64_t largest);

// The next range from `begin`: as many rows as cost at most `target` together, at least one row where one is left.
// offsets is [num_rows + 1].
RowRange take_rows(std::span<const int64_t> offsets, int64_t begin, const RowCost& cost, int64_t target);

// Cuts sequences of the given lengths into batches of at most `budget` tokens and returns, for each batch, the indices
// of its sequences, ascending. A sequence above the budget goes alone; every index appears exactly once. Longest first
// into the fullest batch that has room, so that batches come out near the budget.
std::vector<std::vector<int64_t>> pack_sequences(std::span<const int64_t> lengths, int64_t budget);

}  // namespace emberline
