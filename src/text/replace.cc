// SPDX-License-Identifier: Apache-2.0
#include "text/replace.h"

#include "text/regex.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Bytes of the run of characters at `at` for which `holds`; counts them.
template <typename Holds>
size_t run_length(std::string_view text, size_t at, const Holds& holds, size_t& num_chars) {
  size_t end = at;
  num_chars = 0;
  while (end < text.size()) {
    const char* p = text.data() + end;
    if (!holds(utf8::decode(p))) break;
    end = static_cast<size_t>(p - text.data());
    ++num_chars;
  }
  return end - at;
}

bool is_pattern_space(char32_t c) {
  return unicode::traits(c) & unicode::kPatternSpace;
}

// Each gives the length of the match that begins at `at`, or 0.
size_t spaces(std::string_view text, size_t at) {
  size_t count;
  const size_t length = run_length(text, at, [](char32_t c) { return c == ' '; }, count);
  return count >= 2 ? length : 0;
}
size_t white_space(std::string_view text, size_t at) {
  size_t count;
  return run_length(text, at, is_pattern_space, count);
}
size_t white_space_or_line_end(std::string_view text, size_t at) {
  size_t count;
  const size_t length = run_length(text, at, is_pattern_space, count);
  if (count >= 2) return length;
  return text[at] == '\n' || text[at] == '\r' || text[at] == '\t' ? 1 : 0;
}

struct Pattern {
  std::string_view regex;
  size_t (*match)(std::string_view text, size_t at);
};
constexpr Pattern kPatterns[] = {
    {" {2,}", spaces}, {"\\s+", white_space}, {"\\s{2,}|[\\n\\r\\t]", white_space_or_line_end}};

class ReplaceString final : public Normalizer {
 public:
  ReplaceString(std::string pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void append(std::string_view text, std::string& out) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t found = text.find(pattern_, at);
      out += text.substr(at, found == std::string_view::npos ? found : found - at);
      if (found == std::string_view::npos) return;
      out += content_;
      at = found + pattern_.size();
    }
  }
  // A longer pattern might lie over the cut.
  Cuts cuts() const override { return pattern_.size() == 1 ? Cuts::kBetweenPlainWords : Cuts::kNowhere; }
  bool drops_start(std::string_view text) const override { return content_.empty() && text.starts_with(pattern_); }

 private:
  std::string pattern_;
  std::string content_;
};

class ReplacePattern final : public Normalizer {
 public:
  ReplacePattern(const Pattern& pattern, std::string content) : pattern_(pattern), content_(std::move(content)) {}

  void append(std::string_view text, std::string& out) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t length = pattern_.match(text, at);
      if (length > 0) {
        out += content_;
        at += length;
        continue;
      }
      const char* p = text.data() + at;
      utf8::decode(p);
      const auto next = static_cast<size_t>(p - text.data());
      out += text.substr(at, next - at);
      at = next;
    }
  }
  bool drops_start(std::string_view text) const override { return content_.empty() && pattern_.match(text, 0) > 0; }

 private:
  Pattern pattern_;
  std::string content_;
};

// Any other expression.
class ReplaceRegex final : public Normalizer {
 public:
  ReplaceRegex(Regex pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void append(std::string_view text, std::string& out) const override {
    Regex::Search search(pattern_, text);
    size_t at = 0;
    for (Regex::Match match{}; search.find(at, match); at = match.end) {
      out += text.substr(at, match.begin - at);
      out += content_;
    }
    out += text.substr(at);
  }
  Cuts cuts() const override { return Cuts::kNowhere; }
  bool drops_start(std::string_view text) const override {
    Regex::Match match{};
    return content_.empty() && Regex::Search(pattern_, text).find(0, match) && match.begin == 0;
  }

 private:
  Regex pattern_;
  std::string content_;
};

}  // namespace

std::unique_ptr<Normalizer> make_replace_string(std::string pattern, std::string content) {
  return std::make_unique<ReplaceString>(std::move(pattern), std::move(content));
}

std::unique_ptr<Normalizer> make_replace_pattern(std::string_view regex, std::string content, std::string_view place) {
  for (const Pattern& pattern : kPatterns) {
    if (pattern.regex == regex) return std::make_unique<ReplacePattern>(pattern, std::move(content));
  }
  return std::make_unique<ReplaceRegex>(Regex(regex, place), std::move(content));
}

}  // namespace emberline
