// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "text/piece_trie.h"
#include "text/sentencepiece_models.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Type = SentencePiece::Type;
using Views = std::vector<std::pair<std::string_view, int32_t>>;

// How much worse than the worst piece an unknown character counts.
constexpr float kUnknownPenalty = 10.0F;
// Texts up to this many bytes need no allocation.
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

// The best way to a place in a text: its last piece is `id` and begins at `start`. Each sum is rounded to a float, as
// in the reference: ways of nearly equal score depend on it.
struct Step {
  float score = 0;
  int32_t id = -1;
  size_t start = SIZE_MAX;  // SIZE_MAX: no way is known yet

  void offer(float other_score, size_t other_start, int32_t other_id) {
    if (start != SIZE_MAX && !(other_score > score)) return;
    score = other_score;
    start = other_start;
    id = other_id;
  }
};

class SentencePieceUnigram final : public TokenModel {
 public:
  SentencePieceUnigram(const SentencePieceFile& file, Views pieces) : trie_(pieces), unknown_(file.unknown) {
    float worst = std::numeric_limits<float>::max();
    float best = std::numeric_limits<float>::min();
    for (const SentencePiece& piece : file.pieces) {
      if (piece.type != Type::kNormal) continue;
      worst = std::min(worst, piece.score);
      best = std::max(best, piece.score);
    }
    unknown_score_ = worst - kUnknownPenalty;
    scores_.reserve(file.pieces.size());
    for (const SentencePiece& piece : file.pieces) {
      // What a user defined is worth more than its parts.
      const bool is_bonus = piece.type == Type::kUserDefined;
      scores_.push_back(is_bonus ? static_cast<float>(piece.text.size()) * best - 0.1F : piece.score);
    }
    byte_ids_ = byte_ids(file);
    as_bytes_ = file.byte_fallback;
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      const std::string_view word = text.substr(span.begin, span.end - span.begin);
      if (word.size() < kUsualBytes) {
        std::array<Step, kUsualBytes> steps;
        append_best(word, steps.data(), ids);
      } else {
        std::vector<Step> steps(word.size() + 1);
        append_best(word, steps.data(), ids);
      }
    }
  }

  int32_t find(std::string_view piece) const override {
    const uint32_t node = trie_.walk(PieceTrie::kRoot, piece);
    return node == PieceTrie::kNowhere ? -1 : trie_.id(node);
  }

 private:
  // steps: [text.size() + 1]
  void append_best(std::string_view text, Step* steps, std::vector<int32_t>& ids) const {
    for (size_t begin = 0; begin < text.size();) {
      const char* behind = text.data() + begin;
      utf8::decode(behind);
      const auto next = static_cast<size_t>(behind - text.data());
      const float score = steps[begin].score;
      bool known = false;  // the character at `begin` is a piece
      uint32_t node = PieceTrie::kRoot;
      for (size_t end = begin; end < text.size();) {
        node = trie_.child(node, static_cast<uint8_t>(text[end++]));
        if (node == PieceTrie::kNowhere) break;
        const int32_t id = trie_.id(node);
        if (id < 0) continue;
        steps[end].offer(scores_[static_cast<size_t>(id)] + score, begin, id);
        known |= end == next;
      }
      if (!known) steps[next].offer(unknown_score_ + score, begin, unknown_);
      begin = next;
    }
    const size_t first = ids.size();
    bool behind_unknown = false;
    for (size_t end = text.size(); end > 0; end = steps[end].start) {
      const bool is_unknown = steps[end].id == unknown_;
      if (is_unknown && as_bytes_) {
        for (size_t i = end; i-- > steps[end].start;) ids.push_back(byte_ids_[static_cast<uint8_t>(text[i])]);
      } else if (!is_unknown || !behind_unknown) {
        ids.push_back(steps[end].id);
      }
      behind_unknown = is_unknown;
    }
    std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first), ids.end());
  }

  PieceTrie trie_;
  std::vector<float> scores_;  // [num_pieces]
  int32_t unknown_;
  float unknown_score_;
  bool as_bytes_;
  std::array<int32_t, 256> byte_ids_;  // -1: no byte fallback
};

}  // namespace

std::unique_ptr<TokenModel> make_sentencepiece_unigram(const SentencePieceFile& file) {
  return std::make_unique<SentencePieceUnigram>(file, cut_into(file));
}

}  // namespace emberline
