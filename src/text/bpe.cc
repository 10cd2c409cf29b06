// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/byte_level.h"
#include "text/byte_pieces.h"
#include "text/merge_table.h"
#include "text/metaspace.h"
#include "text/piece_trie.h"
#include "text/utf8.h"
#include "text/word_cache.h"

namespace emberline {
namespace {

using Vocab = std::vector<std::pair<std::string, int32_t>>;

int32_t id_of(const Vocab& vocab, const std::string& piece) {
  const auto found = std::lower_bound(vocab.begin(), vocab.end(), piece,
                                      [](const auto& entry, const std::string& text) { return entry.first < text; });
  return found != vocab.end() && found->first == piece ? found->second : -1;
}

std::vector<Merge> resolve(const BpeConfig& config, const std::string& place) {
  std::vector<Merge> merges;
  merges.reserve(config.merges.size());
  for (const auto& [left, right] : config.merges) {
    const auto piece = [&](const std::string& text) {
      const int32_t id = id_of(config.vocab, text);
      check(id >= 0, Code::kFormat, "{}: merge {} is \"{}\" and \"{}\", but the vocabulary has no piece \"{}\"", place,
            merges.size(), left, right, text);
      return id;
    };
    // The right part of a merge carries the prefix, which the whole does not repeat.
    const size_t prefix = config.continuing_subword_prefix.size();
    check(right.size() >= prefix, Code::kFormat, "{}: merge {} is \"{}\" and \"{}\", expected \"{}\" before the second",
          place, merges.size(), left, right, config.continuing_subword_prefix);
    const Merge merge{piece(left), piece(right), piece(left + right.substr(prefix))};
    merges.push_back(merge);
  }
  return merges;
}

// True if no merge joins anything to a U+2581 behind it, so that each part of a word that begins with one comes out as
// it does in the whole: where all of a text is one word, its parts repeat, and the whole does not.
bool begins_anew_at_meta(const BpeConfig& config) {
  if (config.ignore_merges || !config.continuing_subword_prefix.empty() || !config.end_of_word_suffix.empty()) {
    return false;
  }
  return id_of(config.vocab, std::string(kMetaspaceText)) >= 0 &&
         std::none_of(config.merges.begin(), config.merges.end(), [](const auto& merge) {
           return merge.second.starts_with(kMetaspaceText) && !merge.first.ends_with(kMetaspaceText);
         });
}

// Where the next part begins: at a U+2581 with another character before it.
size_t part_end(std::string_view word, size_t begin) {
  size_t at = begin;
  while (word.substr(at).starts_with(kMetaspaceText)) at += kMetaspaceText.size();
  return std::min(word.find(kMetaspaceText, at), word.size());
}

class Bpe final : public TokenModel {
 public:
  Bpe(const BpeConfig& config, std::vector<std::pair<std::string_view, int32_t>> pieces, const std::string& place)
      : trie_(pieces),
        merges_(resolve(config, place)),
        prefix_(config.continuing_subword_prefix),
        suffix_(config.end_of_word_suffix),
        unknown_(config.unk_token ? find(*config.unk_token) : -1),
        fuse_unk_(config.fuse_unk),
        byte_fallback_(config.byte_fallback),
        ignore_merges_(config.ignore_merges),
        byte_level_(config.byte_level),
        in_parts_(begins_anew_at_meta(config)) {
    check(!config.unk_token || unknown_ >= 0, Code::kFormat, "{}: the vocabulary has no piece for unk_token \"{}\"",
          place, config.unk_token.value_or(""));
    byte_ids_.fill(-1);
    if (config.byte_fallback) byte_ids_ = find_byte_pieces(trie_);
  }

  void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                  std::vector<int32_t>& ids) const override {
    std::string written;
    std::vector<int32_t> symbols;
    for (const WordSpan& span : words) {
      if (ids.size() >= enough) return;
      const std::string_view word = text.substr(span.begin, span.end - span.begin);
      for (size_t begin = 0, end = 0; begin < word.size() && ids.size() < enough; begin = end) {
        end = in_parts_ ? part_end(word, begin) : word.size();
        append_part(word.substr(begin, end - begin), ids, symbols, written);
      }
    }
  }

  int32_t find(std::string_view piece) const override { return trie_.find(piece); }

 private:
  // `symbols` and `written` are for its own use.
  void append_part(std::string_view word, std::vector<int32_t>& ids, std::vector<int32_t>& symbols,
                   std::string& written) const {
    if (cache_.append_ids(word, ids)) return;
    symbols.clear();
    append_symbols(byte_level_ ? in_byte_characters(word, written) : word, symbols);
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    cache_.keep(word, symbols);
  }

  static std::string_view in_byte_characters(std::string_view word, std::string& written) {
    const auto& characters = byte_characters();
    written.clear();
    for (const char byte : word) written += characters[static_cast<uint8_t>(byte)];
    return written;
  }

  void append_symbols(std::string_view word, std::vector<int32_t>& symbols) const {
    if (ignore_merges_) {
      const int32_t whole = find(word);
      if (whole >= 0) {
        symbols.push_back(whole);
        return;
      }
    }
    bool pending = false;  // the token of unknown characters is still to be written
    for (size_t at = 0; at < word.size();) {
      const size_t length = utf8::step(word.substr(at)).length;
      append_character(word.substr(at, length), at == 0, at + length == word.size(), pending, symbols);
      at += length;
    }
    if (pending) symbols.push_back(unknown_);
    merges_.apply(symbols);
  }

  void append_character(std::string_view character, bool first, bool last, bool& pending,
                        std::vector<int32_t>& symbols) const {
    const int32_t id = find_character(character, first, last);
    if (id >= 0) {
      if (pending) symbols.push_back(unknown_);
      pending = false;
      symbols.push_back(id);
      return;
    }
    if (byte_fallback_ && append_bytes(character, first, last, symbols)) return;
    if (unknown_ < 0) return;
    if (pending && !fuse_unk_) symbols.push_back(unknown_);
    pending = true;
  }

  int32_t find_character(std::string_view character, bool first, bool last) const {
    uint32_t node = PieceTrie::kRoot;
    if (!first && !prefix_.empty()) node = trie_.walk(node, prefix_);
    if (node != PieceTrie::kNowhere) node = trie_.walk(node, character);
    if (last && !suffix_.empty() && node != PieceTrie::kNowhere) node = trie_.walk(node, suffix_);
    return trie_.id(node);
  }

  // As the reference does, prefix and suffix fall to bytes, too, and an unknown token that is pending comes behind
  // them.
  bool append_bytes(std::string_view character, bool first, bool last, std::vector<int32_t>& symbols) const {
    std::string whole;
    if (!first) whole += prefix_;
    whole += character;
    if (last) whole += suffix_;
    const auto id = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    if (!std::all_of(whole.begin(), whole.end(), [&](char byte) { return id(byte) >= 0; })) return false;
    for (const char byte : whole) symbols.push_back(id(byte));
    return true;
  }

  PieceTrie trie_;
  MergeTable merges_;
  std::string prefix_;
  std::string suffix_;
  int32_t unknown_;  // -1: dropped
  bool fuse_unk_;
  bool byte_fallback_;
  bool ignore_merges_;
  bool byte_level_;
  bool in_parts_;                      // words are cut at part_end
  std::array<int32_t, 256> byte_ids_;  // -1: none, or no byte fallback
  WordCache cache_;
};

}  // namespace

std::unique_ptr<TokenModel> make_bpe(const BpeConfig& config, const std::string& place) {
  return std::make_unique<Bpe>(
      config, std::vector<std::pair<std::string_view, int32_t>>(config.vocab.begin(), config.vocab.end()), place);
}

}  // namespace emberline
