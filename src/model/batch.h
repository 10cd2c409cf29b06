// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens of several sequences, packed end to end without padding: what the encoder runs on.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace emberline {

struct Batch {
  std::vector<int32_t> ids;             // [num_tokens]
  std::vector<int32_t> positions;       // [num_tokens] 0.. within each sequence (the family's offset is the encoder's)
  std::vector<int32_t> types;           // [num_tokens]
  std::vector<int64_t> seq_offsets{0};  // [num_seqs + 1]
  std::vector<int64_t> row_index;       // [num_seqs] the caller's row of each sequence
  int64_t max_len = 0;                  // longest sequence

  int64_t num_tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t num_seqs() const { return static_cast<int64_t>(row_index.size()); }

  // Keeps its memory.
  void clear() {
    ids.clear();
    positions.clear();
    types.clear();
    seq_offsets.assign(1, 0);
    row_index.clear();
    max_len = 0;
  }

  // seq_ids and seq_types are of one length.
  void append(std::span<const int32_t> seq_ids, std::span<const int32_t> seq_types, int64_t row) {
    const auto length = static_cast<int64_t>(seq_ids.size());
    ids.insert(ids.end(), seq_ids.begin(), seq_ids.end());
    types.insert(types.end(), seq_types.begin(), seq_types.end());
    positions.resize(ids.size());
    std::iota(positions.end() - static_cast<std::ptrdiff_t>(length), positions.end(), 0);
    seq_offsets.push_back(num_tokens());
    row_index.push_back(row);
    max_len = std::max(max_len, length);
  }
};

}  // namespace emberline
