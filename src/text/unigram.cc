// SPDX-License-Identifier: Apache-2.0
#include "text/unigram.h"

#include <algorithm>
#include <array>

#include "text/best_pieces.h"
#include "text/byte_pieces.h"
#include "text/piece_trie.h"
#include "text/word_cache.h"

namespace emberline {
namespace {

// How much worse than the worst piece an unknown character counts.
constexpr double kUnknownScorePenalty = 10.0;
// Shorter words need no allocation.
constexpr size_t kUsualWordBytes = 256;

std::vector<std::pair<std::string_view, int32_t>> views(const UnigramConfig& config) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  pieces.reserve(config.pieces.size());
  for (const auto& [piece, score] : config.pieces) pieces.emplace_back(piece, static_cast<int32_t>(pieces.size()));
  return pieces;
}

class Unigram final : public TokenModel {
  using Step = BestStep<double>;

 public:
  Unigram(const UnigramConfig& config, std::vector<std::pair<std::string_view, int32_t>> pieces)
      : pieces_{.trie = PieceTrie(pieces), .unknown = config.unk_id} {
    double worst = config.pieces[0].second;
    pieces_.scores.reserve(config.pieces.size());
    for (const auto& [piece, score] : config.pieces) {
      pieces_.scores.push_back(score);
      worst = std::min(worst, score);
    }
    pieces_.unknown_score = worst - kUnknownScorePenalty;
    byte_ids_.fill(-1);
    if (config.byte_fallback) byte_ids_ = find_byte_pieces(pieces_.trie);
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      const std::string_view word = text.substr(span.begin, span.end - span.begin);
      if (cache_.append_ids(word, ids)) continue;
      const size_t before = ids.size();
      read_best_steps<kUsualWordBytes>(pieces_, word, [&](const Step* steps) { append_best(word, steps, ids); });
      cache_.keep(word, std::span<const int32_t>(ids).subspan(before));
    }
  }

  int32_t find(std::string_view piece) const override { return pieces_.trie.find(piece); }

 private:
  // steps: [word.size() + 1]
  void append_best(std::string_view word, const Step* steps, std::vector<int32_t>& ids) const {
    // The pieces from the last to the first; unknown ones that touch are one.
    const size_t first = ids.size();
    for (size_t end = word.size(); end > 0;) {
      const size_t last = end;
      if (steps[end].id != pieces_.unknown) {
        ids.push_back(steps[end].id);
        end = steps[end].start;
        continue;
      }
      while (end > 0 && steps[end].id == pieces_.unknown) end = steps[end].start;
      push_unknown_reversed(word.substr(end, last - end), ids);
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
  }

  void push_unknown_reversed(std::string_view part, std::vector<int32_t>& ids) const {
    const auto byte_id = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    const int32_t whole = pieces_.trie.find(part);
    const bool as_bytes =
        whole < 0 && std::all_of(part.begin(), part.end(), [&](char byte) { return byte_id(byte) >= 0; });
    if (!as_bytes) {
      ids.push_back(whole >= 0 ? whole : pieces_.unknown);
      return;
    }
    for (size_t i = part.size(); i-- > 0;) ids.push_back(byte_id(part[i]));
  }

  ScoredPieces<double> pieces_;
  std::array<int32_t, 256> byte_ids_;  // -1: none, or no byte fallback
  WordCache cache_;
};

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const UnigramConfig& config) {
  return std::make_unique<Unigram>(config, views(config));
}

}  // namespace emberline
