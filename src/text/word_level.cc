// SPDX-License-Identifier: Apache-2.0
#include "text/word_level.h"

#include "base/error.h"
#include "text/piece_trie.h"

namespace emberline {
namespace {

class WordLevel final : public TokenModel {
 public:
  WordLevel(const WordLevelConfig& config, std::vector<std::pair<std::string_view, int32_t>> pieces)
      : trie_(pieces), unknown_(find(config.unk_token)) {
    check(unknown_ >= 0, Code::kFormat, "WordLevel: the vocabulary has no piece for unk_token \"{}\"",
          config.unk_token);
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    for (const WordSpan& word : words) {
      if (ids.size() >= enough) return;
      const int32_t id = find(text.substr(word.begin, word.end - word.begin));
      ids.push_back(id >= 0 ? id : unknown_);
    }
  }

  int32_t find(std::string_view piece) const override { return trie_.find(piece); }

 private:
  PieceTrie trie_;
  int32_t unknown_;
};

}  // namespace

std::unique_ptr<TokenModel> make_word_level(const WordLevelConfig& config) {
  return std::make_unique<WordLevel>(
      config, std::vector<std::pair<std::string_view, int32_t>>(config.vocab.begin(), config.vocab.end()));
}

}  // namespace emberline
