// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens of several sequences, packed end to end without padding: what the encoder runs on.
#include <cstdint>
#include <vector>

namespace emberline {

struct Batch {
  std::vector<int32_t> ids;          // [num_tokens]
  std::vector<int32_t> positions;    // [num_tokens] 0.. within each sequence (the family's offset is the encoder's)
  std::vector<int32_t> types;        // [num_tokens]
  std::vector<int64_t> seq_offsets;  // [num_seqs + 1]
  std::vector<int64_t> row_index;    // [num_seqs] the caller's row of each sequence
  int64_t max_len = 0;               // longest sequence

  int64_t num_tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t num_seqs() const { return static_cast<int64_t>(row_index.size()); }
};

}  // namespace emberline
