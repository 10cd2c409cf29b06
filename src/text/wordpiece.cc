// SPDX-License-Identifier: Apache-2.0
#include "text/wordpiece.h"

#include "base/error.h"
#include "text/piece_trie.h"
#include "text/utf8.h"

namespace emberline {
namespace {

std::vector<std::pair<std::string_view, int32_t>> views(const std::vector<std::pair<std::string, int32_t>>& vocab) {
  return {vocab.begin(), vocab.end()};
}

class WordPiece final : public TokenModel {
 public:
  WordPiece(const WordPieceConfig& config, std::vector<std::pair<std::string_view, int32_t>> pieces)
      : trie_(pieces),
        continuing_(trie_.walk(PieceTrie::kRoot, config.continuing_subword_prefix)),
        unknown_(find(config.unk_token)),
        max_chars_(config.max_input_chars_per_word) {
    check(unknown_ >= 0, Code::kFormat, "WordPiece: the vocabulary has no piece for unk_token \"{}\"",
          config.unk_token);
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& word : words) {
      if (ids.size() >= enough) return;
      append_word(text.substr(word.begin, word.end - word.begin), ids);
    }
  }

  int32_t find(std::string_view piece) const override { return trie_.find(piece); }

 private:
  void append_word(std::string_view word, std::vector<int32_t>& ids) const {
    const size_t before = ids.size();
    bool known = word.size() <= max_chars_ || utf8::count(word) <= max_chars_;
    for (size_t start = 0; known && start < word.size();) {
      uint32_t node = start == 0 ? PieceTrie::kRoot : continuing_;
      int32_t id = -1;
      size_t end = start;
      for (size_t i = start; node != PieceTrie::kNowhere && i < word.size();) {
        node = trie_.child(node, static_cast<uint8_t>(word[i++]));
        if (node != PieceTrie::kNowhere && trie_.id(node) >= 0) {
          id = trie_.id(node);
          end = i;
        }
      }
      known = id >= 0;
      ids.push_back(id);
      start = end;
    }
    if (known) return;
    ids.resize(before);
    ids.push_back(unknown_);
  }

  PieceTrie trie_;
  uint32_t continuing_;  // node behind the prefix
  int32_t unknown_;
  size_t max_chars_;
};

}  // namespace

std::unique_ptr<TokenModel> make_wordpiece(const WordPieceConfig& config) {
  return std::make_unique<WordPiece>(config, views(config.vocab));
}

}  // namespace emberline
