// SPDX-License-Identifier: Apache-2.0
#include "text/metaspace.h"

#include "text/utf8.h"

namespace emberline {
namespace {

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const MetaspaceConfig& config) : config_(config) {
    utf8::append(config.replacement, replacement_);
  }

  void split(Words& words) const override {
    words.next_written.clear();
    words.next_spans.clear();
    for (const WordSpan& span : words.spans) {
      const std::string_view word = words.text.substr(span.begin, span.end - span.begin);
      const bool first = words.at_start && span.begin == 0;
      const bool prepends = config_.prepend == MetaspaceConfig::Prepend::kAlways ||
                            (config_.prepend == MetaspaceConfig::Prepend::kFirst && first);
      append(word, prepends, words);
    }
    words.take_written();
  }

  bool separates(char32_t c) const override { return config_.split && (c == ' ' || c == config_.replacement); }
  bool asks_for_start() const override { return config_.prepend == MetaspaceConfig::Prepend::kFirst; }

 private:
  void append(std::string_view word, bool prepends, Words& words) const {
    std::string& out = words.next_written;
    size_t begin = out.size();  // of the word being written
    if (prepends && word[0] != ' ' && !word.starts_with(replacement_)) out += replacement_;
    const auto end_word = [&] {
      if (out.size() > begin) words.next_spans.push_back({begin, out.size()});
      begin = out.size();
    };
    for (size_t at = 0; at < word.size();) {
      // One byte tells most characters from both the space and the replacement.
      const bool space = word[at] == ' ';
      if (space || (word[at] == replacement_[0] && word.substr(at).starts_with(replacement_))) {
        if (config_.split) end_word();
        out += replacement_;
        at += space ? 1 : replacement_.size();
        continue;
      }
      size_t next = at + 1;
      while (next < word.size() && word[next] != ' ' && word[next] != replacement_[0]) ++next;
      out += word.substr(at, next - at);
      at = next;
    }
    end_word();
  }

  MetaspaceConfig config_;
  std::string replacement_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceConfig& config) {
  return std::make_unique<Metaspace>(config);
}

}  // namespace emberline
