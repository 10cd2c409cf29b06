// SPDX-License-Identifier: Apache-2.0
#include "text/splits.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Takes the parts of a word in order, delimiters and what lies between them, and gives the words.
class Cutter {
 public:
  Cutter(Delimiter delimiter, std::vector<WordSpan>& words) : delimiter_(delimiter), words_(words) {}

  void add(size_t begin, size_t end, bool is_delimiter) {
    if (begin == end) return;
    if (!is_delimiter || delimiter_ != Delimiter::kRemoved) {
      if (any_ && joins(is_delimiter)) {
        words_.back().end = end;
      } else {
        words_.push_back({begin, end});
      }
    }
    any_ = true;
    was_delimiter_ = is_delimiter;
  }

 private:
  bool joins(bool is_delimiter) const {
    switch (delimiter_) {
      case Delimiter::kContiguous: return is_delimiter == was_delimiter_;
      case Delimiter::kMergedWithPrevious: return is_delimiter && !was_delimiter_;
      case Delimiter::kMergedWithNext: return !is_delimiter && was_delimiter_;
      case Delimiter::kRemoved:
      case Delimiter::kIsolated: break;
    }
    return false;
  }

  Delimiter delimiter_;
  std::vector<WordSpan>& words_;
  bool any_ = false;
  bool was_delimiter_ = false;
};

class WhitespaceSplit final : public Splitter {
 public:
  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    const char* const data = text.data();
    const char* const end = data + word.end;
    const char* begin = data + word.begin;
    for (const char* p = begin; p < end;) {
      const char* const here = p;
      if (!(unicode::flags(utf8::decode(p)) & unicode::kWhitespace)) continue;
      if (here > begin) words.push_back({static_cast<size_t>(begin - data), static_cast<size_t>(here - data)});
      begin = p;
    }
    if (end > begin) words.push_back({static_cast<size_t>(begin - data), word.end});
  }
  bool separates(char32_t c) const override { return unicode::flags(c) & unicode::kWhitespace; }
};

class Whitespace final : public Splitter {
 public:
  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    constexpr uint8_t kWordOrSpace = unicode::kWord | unicode::kWhitespace;
    const char* const data = text.data();
    const char* const end = data + word.end;
    for (const char* p = data + word.begin; p < end;) {
      const char* const begin = p;
      const uint8_t kind = unicode::flags(utf8::decode(p)) & kWordOrSpace;
      const char* last = p;  // end of the run
      while (p < end && (unicode::flags(utf8::decode(p)) & kWordOrSpace) == kind) last = p;
      p = last;
      if (kind & unicode::kWhitespace) continue;
      words.push_back({static_cast<size_t>(begin - data), static_cast<size_t>(p - data)});
    }
  }
  bool separates(char32_t c) const override { return unicode::flags(c) & unicode::kWhitespace; }
};

bool is_punctuation(char32_t c) {
  return unicode::flags(c) & unicode::kPunctuation;
}
bool is_digit(char32_t c) {
  return unicode::traits(c) & unicode::kNumeric;
}

// Each character for which `is_delimiter` holds is a delimiter.
template <bool (*is_delimiter)(char32_t)>
class CharacterSplit final : public Splitter {
 public:
  explicit CharacterSplit(Delimiter delimiter) : delimiter_(delimiter) {}

  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    Cutter cutter(delimiter_, words);
    const char* const data = text.data();
    const char* const end = data + word.end;
    const char* begin = data + word.begin;
    for (const char* p = begin; p < end;) {
      const char* const here = p;
      if (!is_delimiter(utf8::decode(p))) continue;
      cutter.add(static_cast<size_t>(begin - data), static_cast<size_t>(here - data), false);
      cutter.add(static_cast<size_t>(here - data), static_cast<size_t>(p - data), true);
      begin = p;
    }
    cutter.add(static_cast<size_t>(begin - data), word.end, false);
  }
  bool separates(char32_t) const override { return false; }

 private:
  Delimiter delimiter_;
};

class StringSplit final : public Splitter {
 public:
  StringSplit(std::string pattern, Delimiter delimiter, bool invert)
      : pattern_(std::move(pattern)), delimiter_(delimiter), invert_(invert) {}

  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    Cutter cutter(delimiter_, words);
    const std::string_view inside = text.substr(0, word.end);
    for (size_t at = word.begin; at < word.end;) {
      const size_t found = std::min(inside.find(pattern_, at), word.end);
      const size_t behind = std::min(found + pattern_.size(), word.end);
      cutter.add(at, found, invert_);
      cutter.add(found, behind, !invert_);
      at = behind;
    }
  }
  bool separates(char32_t) const override { return false; }
  Cuts cuts() const override { return Cuts::kNowhere; }

 private:
  std::string pattern_;
  Delimiter delimiter_;
  bool invert_;
};

class RegexSplit final : public Splitter {
 public:
  RegexSplit(Regex pattern, Delimiter delimiter, bool invert)
      : pattern_(std::move(pattern)), delimiter_(delimiter), invert_(invert) {}

  void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const override {
    Cutter cutter(delimiter_, words);
    const std::string_view inside = text.substr(word.begin, word.end - word.begin);
    Regex::Search search(pattern_, inside);
    size_t at = 0;
    for (Regex::Match match{}; search.find(at, match); at = match.end) {
      cutter.add(word.begin + at, word.begin + match.begin, invert_);
      cutter.add(word.begin + match.begin, word.begin + match.end, !invert_);
    }
    cutter.add(word.begin + at, word.end, invert_);
  }
  bool separates(char32_t) const override { return false; }
  Cuts cuts() const override { return Cuts::kNowhere; }

 private:
  Regex pattern_;
  Delimiter delimiter_;
  bool invert_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_regex_split(Regex pattern, Delimiter delimiter, bool invert) {
  return std::make_unique<RegexSplit>(std::move(pattern), delimiter, invert);
}
std::unique_ptr<PreTokenizer> make_whitespace_split() {
  return std::make_unique<WhitespaceSplit>();
}
std::unique_ptr<PreTokenizer> make_whitespace() {
  return std::make_unique<Whitespace>();
}
std::unique_ptr<PreTokenizer> make_punctuation(Delimiter delimiter) {
  return std::make_unique<CharacterSplit<is_punctuation>>(delimiter);
}
std::unique_ptr<PreTokenizer> make_digits(bool individual) {
  return std::make_unique<CharacterSplit<is_digit>>(individual ? Delimiter::kIsolated : Delimiter::kContiguous);
}
std::unique_ptr<PreTokenizer> make_string_split(std::string pattern, Delimiter delimiter, bool invert) {
  return std::make_unique<StringSplit>(std::move(pattern), delimiter, invert);
}

}  // namespace emberline
