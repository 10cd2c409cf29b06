// SPDX-License-Identifier: Apache-2.0
#include "text/pattern_split.h"

#include <array>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

constexpr uint16_t kKinds = unicode::kLetter | unicode::kNumber | unicode::kPatternSpace;

// A place in a word, with the kind of the character there; at the end the kind is kEnd.
constexpr uint16_t kEnd = 0xFFFF;
constexpr uint16_t kOther = 0;

class Reader {
 public:
  Reader(const char* p, const char* end) : p_(p), end_(end) { look(); }

  const char* place() const { return p_; }
  uint16_t kind() const { return kind_; }
  char32_t c() const { return c_; }
  bool is_line_end() const { return kind_ == unicode::kPatternSpace && (c_ == '\r' || c_ == '\n'); }

  void advance() {
    p_ = next_;
    look();
  }
  void skip(uint16_t kind) {
    while (kind_ == kind) advance();
  }
  void skip_line_ends() {
    while (is_line_end()) advance();
  }

 private:
  void look() {
    next_ = p_;
    kind_ = kEnd;
    if (p_ == end_) return;
    c_ = utf8::decode(next_);
    kind_ = unicode::traits(c_) & kKinds;
  }

  const char* p_;
  const char* end_;
  const char* next_ = nullptr;
  char32_t c_ = 0;
  uint16_t kind_ = kEnd;
};

// Lower case as far as the contractions need it; U+017F is an s when case does not count.
char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + ('a' - 'A');
  return c == 0x17F ? U's' : c;
}

// Moves behind 's, 't, 're, 've, 'm, 'll or 'd; false where none of them is.
bool take_contraction(Reader& reader, bool any_case) {
  if (reader.c() != '\'') return false;
  const auto letter = [&](const Reader& at) {
    if (at.kind() != unicode::kLetter) return char32_t{0};
    return any_case ? lower(at.c()) : at.c();
  };
  Reader at = reader;
  at.advance();
  const char32_t first = letter(at);
  bool found = first == 's' || first == 't' || first == 'm' || first == 'd';
  if (!found && (first == 'r' || first == 'v' || first == 'l')) {
    at.advance();
    found = letter(at) == (first == 'l' ? U'l' : U'e');
  }
  if (!found) return false;
  at.advance();
  reader = at;
  return true;
}

// White space up to the place where \s+(?!\S) or else \s+ ends: its last character goes to what follows, if that is
// not the only one.
void take_white_space(Reader& reader) {
  Reader last = reader;
  size_t count = 0;
  while (reader.kind() == unicode::kPatternSpace) {
    last = reader;
    reader.advance();
    ++count;
  }
  if (reader.kind() != kEnd && count > 1) reader = last;
}

// The next match of GPT-2's pattern.
void take_gpt2(Reader& reader) {
  if (take_contraction(reader, false)) return;
  Reader at = reader;
  if (at.c() == ' ' && at.kind() == unicode::kPatternSpace) at.advance();
  if (at.kind() == unicode::kPatternSpace || at.kind() == kEnd) {
    take_white_space(reader);
    return;
  }
  at.skip(at.kind());
  reader = at;
}

// The next match of the pattern of Llama 3 (digits in threes) and Qwen 2 (digits alone).
void take_llama3(Reader& reader, int most_digits) {
  if (take_contraction(reader, true)) return;
  Reader at = reader;
  // [^\r\n\p{L}\p{N}]?\p{L}+
  if (at.kind() != unicode::kLetter && at.kind() != unicode::kNumber && !at.is_line_end()) at.advance();
  if (at.kind() == unicode::kLetter) {
    at.skip(unicode::kLetter);
    reader = at;
    return;
  }
  if (reader.kind() == unicode::kNumber) {
    for (int i = 0; i < most_digits && reader.kind() == unicode::kNumber; ++i) reader.advance();
    return;
  }
  // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
  at = reader;
  if (at.c() == ' ' && at.kind() == unicode::kPatternSpace) at.advance();
  if (at.kind() == kOther) {
    at.skip(kOther);
    at.skip_line_ends();
    reader = at;
    return;
  }
  // \s*[\r\n]+ reaches to the last line end of the white space.
  at = reader;
  Reader behind_line_end = reader;
  bool has_line_end = false;
  while (at.kind() == unicode::kPatternSpace) {
    const bool is_line_end = at.is_line_end();
    at.advance();
    if (!is_line_end) continue;
    behind_line_end = at;
    has_line_end = true;
  }
  if (has_line_end) {
    reader = behind_line_end;
  } else {
    take_white_space(reader);
  }
}

struct Gpt2 {
  static void take(Reader& reader) { take_gpt2(reader); }
};
struct Llama3 {
  static void take(Reader& reader) { take_llama3(reader, 3); }
};
struct Qwen2 {
  static void take(Reader& reader) { take_llama3(reader, 1); }
};

template <typename Pattern>
class PatternSplit final : public Splitter {
 public:
  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    Reader reader(text.data() + word.begin, text.data() + word.end);
    while (reader.kind() != kEnd) {
      const auto begin = static_cast<size_t>(reader.place() - text.data());
      Pattern::take(reader);
      words.push_back({begin, static_cast<size_t>(reader.place() - text.data())});
    }
  }
  // Behind a character that is not white space every pattern ends its match.
  bool separates(char32_t c) const override { return c == ' '; }
};

}  // namespace

std::unique_ptr<PreTokenizer> make_pattern_split(std::string_view regex) {
  if (regex == kGpt2Pattern) return std::make_unique<PatternSplit<Gpt2>>();
  if (regex == kLlama3Pattern) return std::make_unique<PatternSplit<Llama3>>();
  if (regex == kQwen2Pattern) return std::make_unique<PatternSplit<Qwen2>>();
  return nullptr;
}

}  // namespace emberline
