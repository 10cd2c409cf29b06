// SPDX-License-Identifier: Apache-2.0
#pragma once
// The pieces of a text whose scores add up to the most, for models that differ in how they add and in what they make
// of unknown characters.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/piece_trie.h"
#include "text/utf8.h"

namespace emberline {

// Score: what sums of scores are rounded to; ways of nearly equal score depend on it.
template <typename Score>
struct ScoredPieces {
  PieceTrie trie;  // of all that text may be cut into
  int32_t unknown;
  std::vector<Score> scores = {};  // [num_pieces]
  Score unknown_score = 0;         // of a character that is no piece
};

// The best way to a place in a text: its last piece is `id`, which may be the unknown one, and begins at `start`.
template <typename Score>
struct BestStep {
  Score score;
  int32_t id;
  size_t start;  // SIZE_MAX: no way is known yet

  void offer(Score other_score, size_t other_start, int32_t other_id) {
    if (start != SIZE_MAX && !(other_score > score)) return;
    score = other_score;
    start = other_start;
    id = other_id;
  }
};

// Writes the steps to all places of `text`; only those where characters begin or end mean something.
// steps: [text.size() + 1]
template <typename Score>
void find_best_steps(const ScoredPieces<Score>& pieces, std::string_view text, BestStep<Score>* steps) {
  std::fill_n(steps, text.size() + 1, BestStep<Score>{0, -1, SIZE_MAX});
  for (size_t begin = 0; begin < text.size();) {
    const char* behind = text.data() + begin;
    utf8::decode(behind);
    const auto next = static_cast<size_t>(behind - text.data());
    const Score score = steps[begin].score;
    bool known = false;  // the character at `begin` is a piece
    uint32_t node = PieceTrie::kRoot;
    for (size_t end = begin; end < text.size();) {
      node = pieces.trie.child(node, static_cast<uint8_t>(text[end++]));
      if (node == PieceTrie::kNowhere) break;
      const int32_t id = pieces.trie.id(node);
      if (id < 0) continue;
      steps[end].offer(pieces.scores[static_cast<size_t>(id)] + score, begin, id);
      known |= end == next;
    }
    if (!known) steps[next].offer(pieces.unknown_score + score, begin, pieces.unknown);
    begin = next;
  }
}

// Calls read(steps), which lead back from steps[text.size()]. Texts of fewer bytes than kUsualBytes need no allocation.
template <size_t kUsualBytes, typename Score, typename Read>
void read_best_steps(const ScoredPieces<Score>& pieces, std::string_view text, const Read& read) {
  if (text.size() < kUsualBytes) {
    std::array<BestStep<Score>, kUsualBytes> steps;  // only as much as the text needs is ever written
    find_best_steps(pieces, text, steps.data());
    read(steps.data());
  } else {
    std::vector<BestStep<Score>> steps(text.size() + 1);
    find_best_steps(pieces, text, steps.data());
    read(steps.data());
  }
}

}  // namespace emberline
