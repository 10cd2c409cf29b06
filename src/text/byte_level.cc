// SPDX-License-Identifier: Apache-2.0
#include "text/byte_level.h"

#include "text/pattern_split.h"
#include "text/utf8.h"

namespace emberline {
namespace {

class PrefixSpace final : public PreTokenizer {
 public:
  void split(Words& words) const override {
    words.next_written.clear();
    words.next_spans.clear();
    for (const WordSpan& span : words.spans) {
      const size_t begin = words.next_written.size();
      if (words.text[span.begin] != ' ') words.next_written += ' ';
      words.next_written += words.text.substr(span.begin, span.end - span.begin);
      words.next_spans.push_back({begin, words.next_written.size()});
    }
    words.take_written();
  }
  bool separates(char32_t) const override { return false; }
};

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool prefix_space, bool use_pattern) {
    if (prefix_space) prefix_ = std::make_unique<PrefixSpace>();
    if (use_pattern) pattern_ = make_pattern_split(kGpt2Pattern);
  }

  void split(Words& words) const override {
    if (prefix_) prefix_->split(words);
    if (pattern_) pattern_->split(words);
  }
  bool separates(char32_t c) const override { return pattern_ && pattern_->separates(c); }

 private:
  std::unique_ptr<PreTokenizer> prefix_;
  std::unique_ptr<PreTokenizer> pattern_;
};

// Visible characters of Latin-1 stand for themselves, the other bytes for U+0100 and up.
std::array<std::string, 256> make_characters() {
  std::array<std::string, 256> characters;
  char32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    utf8::append(visible ? char32_t{byte} : next++, characters[byte]);
  }
  return characters;
}

}  // namespace

std::unique_ptr<PreTokenizer> make_byte_level(bool prefix_space, bool use_pattern) {
  return std::make_unique<ByteLevel>(prefix_space, use_pattern);
}

const std::array<std::string, 256>& byte_characters() {
  static const std::array<std::string, 256> kCharacters = make_characters();
  return kCharacters;
}

}  // namespace emberline
