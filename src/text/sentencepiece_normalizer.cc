// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_normalizer.h"

#include <optional>

#include "text/charsmap.h"
#include "text/metaspace.h"
#include "text/piece_trie.h"
#include "text/utf8.h"

namespace emberline {
namespace {

std::vector<std::pair<std::string_view, int32_t>> user_defined(const SentencePieceFile& file) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (const SentencePiece& piece : file.pieces) {
    if (piece.type == SentencePiece::Type::kUserDefined) pieces.emplace_back(piece.text, 0);
  }
  return pieces;
}

class SentencePieceNormalizer final : public Normalizer {
 public:
  SentencePieceNormalizer(const SentencePieceFile& file, std::vector<std::pair<std::string_view, int32_t>> kept)
      : add_prefix_(file.add_dummy_prefix),
        remove_spaces_(file.remove_extra_whitespaces),
        space_(file.escape_whitespaces ? kMetaspaceText : " ") {
    if (!kept.empty()) kept_.emplace(kept);
    if (!file.charsmap.empty()) charsmap_.emplace(file.charsmap, file.name);
  }

  void append(std::string_view text, std::string& out) const override {
    while (remove_spaces_ && !text.empty()) {
      const Step first = step(text);
      if (first.form != " ") break;
      text.remove_prefix(first.length);
    }
    if (text.empty()) return;
    const size_t begin = out.size();
    if (add_prefix_) out += space_;
    bool behind_space = remove_spaces_;
    while (!text.empty()) {
      const Step next = step(text);
      text.remove_prefix(next.length);
      std::string_view form = next.form;
      while (behind_space && form.starts_with(' ')) form.remove_prefix(1);
      if (form.empty()) continue;
      append_form(form, out);
      behind_space = remove_spaces_ && form.ends_with(' ');
    }
    while (remove_spaces_ && std::string_view(out).substr(begin).ends_with(space_)) {
      out.resize(out.size() - space_.size());
    }
  }
  Cuts cuts() const override { return Cuts::kNowhere; }

 private:
  struct Step {
    size_t length;
    std::string_view form;
  };

  Step step(std::string_view text) const {
    if (const size_t length = kept_length(text); length > 0) return {length, text.substr(0, length)};
    if (charsmap_) {
      if (const auto match = charsmap_->longest(text)) return {match->length, match->form};
    }
    const size_t length = utf8::step(text).length;
    return {length, text.substr(0, length)};
  }

  // Of the longest kept piece that `text` begins with; 0: of none.
  size_t kept_length(std::string_view text) const {
    size_t longest = 0;
    uint32_t node = PieceTrie::kRoot;
    for (size_t i = 0; kept_ && i < text.size(); ++i) {
      node = kept_->child(node, static_cast<uint8_t>(text[i]));
      if (node == PieceTrie::kNowhere) break;
      if (kept_->id(node) >= 0) longest = i + 1;
    }
    return longest;
  }

  void append_form(std::string_view form, std::string& out) const {
    for (const char c : form) {
      if (c == ' ') {
        out += space_;
      } else {
        out += c;
      }
    }
  }

  bool add_prefix_;
  bool remove_spaces_;
  std::string_view space_;
  std::optional<PieceTrie> kept_;
  std::optional<Charsmap> charsmap_;
};

}  // namespace

std::unique_ptr<Normalizer> make_sentencepiece_normalizer(const SentencePieceFile& file) {
  return std::make_unique<SentencePieceNormalizer>(file, user_defined(file));
}

}  // namespace emberline
