// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "text/best_pieces.h"
#include "text/piece_trie.h"
#include "text/sentencepiece_models.h"

namespace emberline {
namespace {

using Type = SentencePiece::Type;
using Views = std::vector<std::pair<std::string_view, int32_t>>;

// How much worse than the worst piece an unknown character counts.
constexpr float kUnknownPenalty = 10.0F;
// Shorter texts need no allocation.
constexpr size_t kUsualBytes = 512;

// Those that text may be cut into; the others have ids alone.
Views cut_into(const SentencePieceFile& file) {
  Views pieces;
  pieces.reserve(file.pieces.size());
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const SentencePiece& piece = file.pieces[i];
    const bool is_usual = piece.type == Type::kNormal || piece.type == Type::kUserDefined;
    if (is_usual) pieces.emplace_back(piece.text, static_cast<int32_t>(i));
  }
  return pieces;
}

class SentencePieceUnigram final : public TokenModel {
  using Step = BestStep<float>;  // its sums are floats in the reference

 public:
  SentencePieceUnigram(const SentencePieceFile& file, Views pieces)
      : pieces_{.trie = PieceTrie(pieces), .unknown = file.unknown} {
    float worst = std::numeric_limits<float>::max();
    float best = std::numeric_limits<float>::min();
    for (const SentencePiece& piece : file.pieces) {
      if (piece.type != Type::kNormal) continue;
      worst = std::min(worst, piece.score);
      best = std::max(best, piece.score);
    }
    pieces_.unknown_score = worst - kUnknownPenalty;
    pieces_.scores.reserve(file.pieces.size());
    for (const SentencePiece& piece : file.pieces) {
      // What a user defined is worth more than its parts.
      const bool is_bonus = piece.type == Type::kUserDefined;
      pieces_.scores.push_back(is_bonus ? static_cast<float>(piece.text.size()) * best - 0.1F : piece.score);
    }
    byte_ids_ = byte_ids(file);
    as_bytes_ = file.byte_fallback;
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      const std::string_view word = text.substr(span.begin, span.end - span.begin);
      read_best_steps<kUsualBytes>(pieces_, word, [&](const Step* steps) { append_best(word, steps, ids); });
    }
  }

  int32_t find(std::string_view piece) const override { return pieces_.trie.find(piece); }

 private:
  // steps: [text.size() + 1]
  void append_best(std::string_view text, const Step* steps, std::vector<int32_t>& ids) const {
    const size_t first = ids.size();
    bool behind_unknown = false;
    for (size_t end = text.size(); end > 0; end = steps[end].start) {
      const bool is_unknown = steps[end].id == pieces_.unknown;
      if (is_unknown && as_bytes_) {
        for (size_t i = end; i-- > steps[end].start;) ids.push_back(byte_ids_[static_cast<uint8_t>(text[i])]);
      } else if (!is_unknown || !behind_unknown) {
        ids.push_back(steps[end].id);
      }
      behind_unknown = is_unknown;
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
  }

  ScoredPieces<float> pieces_;
  bool as_bytes_;
  std::array<int32_t, 256> byte_ids_;  // -1: no byte fallback
};

}  // namespace

std::unique_ptr<TokenModel> make_sentencepiece_unigram(const SentencePieceFile& file) {
  return std::make_unique<SentencePieceUnigram>(file, cut_into(file));
}

}  // namespace emberline
