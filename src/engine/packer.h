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

// The next range from `begin`: about `target_bytes` of text (a row's own length plus a constant), at least one row.
RowRange take_rows(std::span<const int64_t> offsets, int64_t begin, int64_t num_rows, int64_t target_bytes);

// Cuts sequences of the given lengths into batches of at most `budget` tokens and returns, for each batch, the indices of
// its sequences. A sequence above the budget goes alone; every index appears exactly once.
std::vector<std::vector<int64_t>> pack_sequences(std::span<const int64_t> lengths, int64_t budget);

}  // namespace emberline
