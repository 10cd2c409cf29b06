// SPDX-License-Identifier: Apache-2.0
#include "text/unigram.h"

#include <algorithm>
#include <array>

#include "text/byte_pieces.h"
#include "text/piece_trie.h"
#include "text/utf8.h"
#include "text/word_cache.h"

namespace emberline {
namespace {

// How much worse than the worst piece an unknown character counts.
constexpr double kUnknownPenalty = 10.0;
// Words up to this many bytes need no allocation.
constexpr size_t kUsualBytes = 256;

std::vector<std::pair<std::string_view, int32_t>> views(const UnigramConfig& config) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  pieces.reserve(config.pieces.size());
  for (const auto& [piece, score] : config.pieces) pieces.emplace_back(piece, static_cast<int32_t>(pieces.size()));
  return pieces;
}

// The best way to a place in a word: its last piece is `id` and begins at `start`.
struct Step {
  double score = 0;
  size_t start = SIZE_MAX;  // SIZE_MAX: no way is known yet
  int32_t id = -1;

  void offer(double other_score, size_t other_start, int32_t other_id) {
    if (start != SIZE_MAX && !(other_score > score)) return;
    score = other_score;
    start = other_start;
    id = other_id;
  }
};

class Unigram final : public TokenModel {
 public:
  Unigram(const UnigramConfig& config, std::vector<std::pair<std::string_view, int32_t>> pieces)
      : trie_(pieces), unknown_(config.unk_id) {
    double worst = config.pieces[0].second;
    scores_.reserve(config.pieces.size());
    for (const auto& [piece, score] : config.pieces) {
      scores_.push_back(score);
      worst = std::min(worst, score);
    }
    unknown_score_ = worst - kUnknownPenalty;
    byte_ids_.fill(-1);
    if (!config.byte_fallback) return;
    for (size_t byte = 0; byte < 256; ++byte) byte_ids_[byte] = find(byte_piece(static_cast<uint8_t>(byte)));
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      const std::string_view word = text.substr(span.begin, span.end - span.begin);
      if (cache_.append_ids(word, ids)) continue;
      const size_t before = ids.size();
      append_word(word, ids);
      cache_.keep(word, std::span<const int32_t>(ids).subspan(before));
    }
  }

  int32_t find(std::string_view piece) const override {
    const uint32_t node = trie_.walk(PieceTrie::kRoot, piece);
    return node == PieceTrie::kNowhere ? -1 : trie_.id(node);
  }

 private:
  void append_word(std::string_view word, std::vector<int32_t>& ids) const {
    if (word.size() < kUsualBytes) {
      std::array<Step, kUsualBytes> steps;
      append_best(word, steps.data(), ids);
    } else {
      std::vector<Step> steps(word.size() + 1);
      append_best(word, steps.data(), ids);
    }
  }

  // steps: [word.size() + 1]
  void append_best(std::string_view word, Step* steps, std::vector<int32_t>& ids) const {
    for (size_t begin = 0; begin < word.size();) {
      const char* behind = word.data() + begin;
      utf8::decode(behind);
      const auto next = static_cast<size_t>(behind - word.data());
      const double score = steps[begin].score;
      bool known = false;  // the character at `begin` is a piece
      uint32_t node = PieceTrie::kRoot;
      for (size_t end = begin; end < word.size();) {
        node = trie_.child(node, static_cast<uint8_t>(word[end++]));
        if (node == PieceTrie::kNowhere) break;
        const int32_t id = trie_.id(node);
        if (id < 0) continue;
        steps[end].offer(scores_[static_cast<size_t>(id)] + score, begin, id);
        known |= end == next;
      }
      if (!known) steps[next].offer(unknown_score_ + score, begin, unknown_);
      begin = next;
    }
    // The pieces from the last to the first; unknown ones that touch are one.
    const size_t first = ids.size();
    for (size_t end = word.size(); end > 0;) {
      const size_t last = end;
      if (steps[end].id != unknown_) {
        ids.push_back(steps[end].id);
        end = steps[end].start;
        continue;
      }
      while (end > 0 && steps[end].id == unknown_) end = steps[end].start;
      push_unknown_reversed(word.substr(end, last - end), ids);
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
  }

  void push_unknown_reversed(std::string_view part, std::vector<int32_t>& ids) const {
    const auto byte_id = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    const int32_t whole = find(part);
    const bool as_bytes =
        whole < 0 && std::all_of(part.begin(), part.end(), [&](char byte) { return byte_id(byte) >= 0; });
    if (!as_bytes) {
      ids.push_back(whole >= 0 ? whole : unknown_);
      return;
    }
    for (size_t i = part.size(); i-- > 0;) ids.push_back(byte_id(part[i]));
  }

  PieceTrie trie_;
  std::vector<double> scores_;  // [num_pieces]
  int32_t unknown_;
  double unknown_score_;
  std::array<int32_t, 256> byte_ids_;  // -1: none, or no byte fallback
  WordCache cache_;
};

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const UnigramConfig& config) {
  return std::make_unique<Unigram>(config, views(config));
}

}  // namespace emberline
