// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <queue>
#include <unordered_map>

#include "text/piece_trie.h"
#include "text/sentencepiece_models.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Type = SentencePiece::Type;
using Views = std::vector<std::pair<std::string_view, int32_t>>;

constexpr size_t kNone = SIZE_MAX;

Views all_pieces(const SentencePieceFile& file) {
  Views pieces;
  pieces.reserve(file.pieces.size());
  for (const SentencePiece& piece : file.pieces) pieces.emplace_back(piece.text, static_cast<int32_t>(pieces.size()));
  return pieces;
}

// A part of the text that has become one symbol; it is empty once it went into the one before it.
struct Symbol {
  size_t begin;
  size_t length;
  size_t previous;
  size_t next;
  bool frozen;  // defined by the user: joined with nothing
};

struct Pair {
  float score;
  size_t left;
  size_t right;
  size_t length;  // of both together when they were found: another one makes it void

  bool operator<(const Pair& other) const { return score < other.score || (score == other.score && left > other.left); }
};

class SentencePieceBpe final : public TokenModel {
 public:
  SentencePieceBpe(const SentencePieceFile& file, Views pieces)
      : trie_(pieces), unknown_(file.unknown), as_bytes_(file.byte_fallback), byte_ids_(byte_ids(file)) {
    for (const SentencePiece& piece : file.pieces) {
      scores_.push_back(piece.score);
      types_.push_back(piece.type);
      has_user_defined_ |= piece.type == Type::kUserDefined;
    }
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      Run run{*this, text.substr(span.begin, span.end - span.begin), ids};
      run.join();
      run.append();
    }
  }

  int32_t find(std::string_view piece) const override { return trie_.find(piece); }

 private:
  Type type(int32_t id) const { return types_[static_cast<size_t>(id)]; }

  // The id of a piece that symbols may be joined to, or -1.
  int32_t find_joined(std::string_view part) const {
    const int32_t id = find(part);
    if (id < 0) return -1;
    return type(id) == Type::kNormal || type(id) == Type::kUserDefined || type(id) == Type::kUnused ? id : -1;
  }

  // One text on its way to ids.
  struct Run {
    const SentencePieceBpe& model;
    std::string_view text;
    std::vector<int32_t>& ids;
    std::vector<Symbol> symbols = {};
    std::priority_queue<Pair> pairs = {};
    // Where pieces that are unused were joined: they come apart there in the end.
    std::unordered_map<std::string_view, size_t> joints = {};
    bool behind_unknown = false;

    std::string_view part(const Symbol& symbol) const { return text.substr(symbol.begin, symbol.length); }

    void split() {
      for (size_t at = 0; at < text.size();) {
        Symbol symbol = {at, 0, symbols.empty() ? kNone : symbols.size() - 1, symbols.size() + 1, false};
        symbol.length = model.user_defined_length(text.substr(at));
        symbol.frozen = symbol.length > 0;
        if (!symbol.frozen) symbol.length = utf8::step(text.substr(at)).length;
        at += symbol.length;
        symbols.push_back(symbol);
      }
      if (!symbols.empty()) symbols.back().next = kNone;
    }

    void look(size_t left, size_t right) {
      if (left == kNone || right == kNone || symbols[left].frozen || symbols[right].frozen) return;
      const size_t length = symbols[left].length + symbols[right].length;
      const std::string_view both = text.substr(symbols[left].begin, length);
      const int32_t id = model.find_joined(both);
      if (id < 0) return;
      pairs.push({model.scores_[static_cast<size_t>(id)], left, right, length});
      if (model.type(id) == Type::kUnused) joints[both] = symbols[left].length;
    }

    void join() {
      split();
      for (size_t i = 1; i < symbols.size(); ++i) look(i - 1, i);
      while (!pairs.empty()) {
        const Pair top = pairs.top();
        pairs.pop();
        Symbol& left = symbols[top.left];
        Symbol& right = symbols[top.right];
        if (left.length == 0 || right.length == 0 || left.length + right.length != top.length) continue;
        left.length = top.length;
        left.next = right.next;
        right.length = 0;
        if (left.next != kNone) symbols[left.next].previous = top.left;
        look(left.previous, top.left);
        look(top.left, left.next);
      }
    }

    void append() {
      if (symbols.empty()) return;
      for (size_t at = 0; at != kNone; at = symbols[at].next) append_part(part(symbols[at]));
    }

    void append_part(std::string_view part) {
      const int32_t found = model.find(part);
      if (found >= 0 && model.type(found) == Type::kUnused) {
        if (const auto joint = joints.find(part); joint != joints.end()) {
          const size_t length = joint->second;
          append_part(part.substr(0, length));
          append_part(part.substr(length));
          return;
        }
      }
      const bool is_unknown = found < 0 || found == model.unknown_;
      if (is_unknown && model.as_bytes_) {
        for (const char byte : part) ids.push_back(model.byte_ids_[static_cast<uint8_t>(byte)]);
      } else if (!is_unknown || !behind_unknown) {
        ids.push_back(is_unknown ? model.unknown_ : found);
      }
      behind_unknown = is_unknown;
    }
  };

  // Of the longest piece defined by the user that `text` begins with; 0: of none.
  size_t user_defined_length(std::string_view text) const {
    if (!has_user_defined_) return 0;
    size_t longest = 0;
    uint32_t node = PieceTrie::kRoot;
    for (size_t i = 0; i < text.size(); ++i) {
      node = trie_.child(node, static_cast<uint8_t>(text[i]));
      if (node == PieceTrie::kNowhere) break;
      const int32_t id = trie_.id(node);
      if (id >= 0 && type(id) == Type::kUserDefined) longest = i + 1;
    }
    return longest;
  }

  PieceTrie trie_;
  std::vector<float> scores_;  // [num_pieces]
  std::vector<Type> types_;    // [num_pieces]
  int32_t unknown_;
  bool as_bytes_;
  std::array<int32_t, 256> byte_ids_;  // -1: no byte fallback
  bool has_user_defined_ = false;
};

}  // namespace

std::unique_ptr<TokenModel> make_sentencepiece_bpe(const SentencePieceFile& file) {
  return std::make_unique<SentencePieceBpe>(file, all_pieces(file));
}

}  // namespace emberline
