// SPDX-License-Identifier: Apache-2.0
#pragma once
// The steps into which attention of one sequence with tiles is cut: which queries, which keys, in which order. Whole
// numbers alone.
#include "backend/cpu/bf16_attention_pack.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {
namespace {

// A block of queries of one head against a chunk of that head's keys.
struct AttentionStep {
  int64_t head = -1;  // below 0 and from num_heads on: none
  int64_t query = 0;  // the first of the block
  int64_t pair = 0;   // of key tiles: the first of the chunk
  int64_t keys = -1;  // the head of keys and values that these queries see
};

class AttentionSteps {
 public:
  // chunk: pairs of key tiles of a step.
  AttentionSteps(const HeadsView& heads, int64_t chunk) : heads_(heads), chunk_(chunk) {
    // Blocks of nearly equal height: 40 queries run as three times 14.
    const int64_t blocks = (heads.rows + kBlockQueries - 1) / kBlockQueries;
    block_ = (heads.rows + blocks - 1) / blocks;
  }

  int64_t block() const { return block_; }  // queries of a block, but for the last
  bool exists(const AttentionStep& s) const { return s.head >= 0 && s.head < heads_.num_heads; }
  bool is_first(const AttentionStep& s) const { return s.pair == first_pair(s); }
  int64_t first_key(const AttentionStep& s) const { return kPairKeys * s.pair; }
  int64_t rows_of(const AttentionStep& s) const {
    return heads_.rows - s.query < block_ ? heads_.rows - s.query : block_;
  }
  int64_t pairs_of(const AttentionStep& s) const {
    if (!exists(s)) return 0;
    const int64_t left = (seen_of(s) + kPairKeys - 1) / kPairKeys - s.pair;
    return left < chunk_ ? left : chunk_;
  }
  // Key tiles that hold keys.
  int64_t tiles_of(const AttentionStep& s) const {
    if (!exists(s)) return 0;
    const int64_t left = (seen_of(s) + kKeysOfTile - 1) / kKeysOfTile - 2 * s.pair;
    return left < 2 * chunk_ ? left : 2 * chunk_;
  }
  // Keys of the last of them.
  __mmask16 last_keys(const AttentionStep& s) const {
    return static_cast<__mmask16>(first_words(heads_.rows - kKeysOfTile * (2 * s.pair + tiles_of(s) - 1)));
  }

  AttentionStep following(AttentionStep s) const {
    s.pair += chunk_;
    if (kPairKeys * s.pair < seen_of(s)) return s;
    s.query += block_;
    if (s.query >= heads_.rows) {
      s.query = 0;
      ++s.head;
      s.keys = s.head / heads_.heads_per_key;
    }
    s.pair = first_pair(s);
    return s;
  }

 private:
  static constexpr int64_t kBlockQueries = 16;
  static constexpr int64_t kPairKeys = 2 * kKeysOfTile;

  // The first of the pairs of key tiles that a step's queries see, and the end of their keys.
  int64_t first_pair(const AttentionStep& s) const {
    const int64_t first = heads_.window > 0 ? s.query - heads_.window : 0;
    return first > 0 ? first / kPairKeys : 0;
  }
  int64_t seen_of(const AttentionStep& s) const {
    if (!heads_.causal && heads_.window == 0) return heads_.rows;
    const int64_t end = s.query + rows_of(s) + (heads_.causal ? 0 : heads_.window);
    return end < heads_.rows ? end : heads_.rows;
  }

  HeadsView heads_;
  int64_t chunk_;
  int64_t block_;
};

}  // namespace
}  // namespace emberline::cpu
