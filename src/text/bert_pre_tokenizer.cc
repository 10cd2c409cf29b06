// SPDX-License-Identifier: Apache-2.0
#include "text/bert_pre_tokenizer.h"

#include <array>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

constexpr uint8_t kLimits = unicode::kWhitespace | unicode::kPunctuation;

class BertPreTokenizer final : public Splitter {
 public:
  BertPreTokenizer() {
    for (char32_t c = 0; c < 128; ++c) ascii_[c] = unicode::flags(c) & kLimits;
  }

  void append_words(std::string_view text, WordSpan whole, std::vector<WordSpan>& words) const override {
    const char* const data = text.data();
    const char* const end = data + whole.end;
    const char* word = data + whole.begin;
    for (const char* p = word; p < end;) {
      const char* const here = p;
      const auto lead = static_cast<uint8_t>(*p);
      const uint8_t limit =
          lead < 0x80 ? ascii_[static_cast<uint8_t>(*p++)] : unicode::flags(utf8::decode(p)) & kLimits;
      if (limit == 0) continue;
      if (here > word) words.push_back({static_cast<size_t>(word - data), static_cast<size_t>(here - data)});
      if (limit & unicode::kPunctuation) {
        words.push_back({static_cast<size_t>(here - data), static_cast<size_t>(p - data)});
      }
      word = p;
    }
    if (end > word) words.push_back({static_cast<size_t>(word - data), whole.end});
  }

  bool separates(char32_t c) const override { return unicode::flags(c) & kLimits; }
  Cuts cuts() const override { return Cuts::kBeforeSeparators; }

 private:
  std::array<uint8_t, 128> ascii_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}

}  // namespace emberline
