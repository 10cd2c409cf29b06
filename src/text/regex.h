// SPDX-License-Identifier: Apache-2.0
#pragma once
// Regular expressions as tokenizer files write them, matched as Oniguruma (Ruby's syntax) matches them: of the ways
// that match, the one that comes first when alternatives are tried from left to right and greedy parts from the
// longest.
//
// Known: literals, sets with ranges, nested sets and &&, . ^ $ \s \d \w \p{general category} \p{Han}, groups,
// (?i: of ASCII letters), | ? * + {n,m} with lazy and possessive forms, (?>...), (?=...), (?!...), and lookbehind of a
// fixed length. Anything else is refused by name.
#include <cstdint>
#include <memory>
#include <string_view>

namespace emberline {

struct RegexProgram;

// Immutable after construction; safe from many threads.
class Regex {
 public:
  // `place` names the expression in messages. Throws Error(kUnsupported) where it holds what is not known here, or can
  // match nothing at all.
  Regex(std::string_view pattern, std::string_view place);
  ~Regex();
  Regex(Regex&&) noexcept;

  struct Match {
    size_t begin;
    size_t end;
  };
  class Search;

 private:
  std::unique_ptr<const RegexProgram> program_;
};

// Goes through one text. All its steps together are at most as many as the text has bytes, times the pattern's size.
// For one thread.
class Regex::Search {
 public:
  // Usual patterns come through a text with fewer choices a byte.
  static constexpr size_t kUsualChoices = 32;

  // Both must outlive it; `text` is well-formed UTF-8. Behind so many choices a byte of it, it keeps what came of the
  // ways that it tried, and follows none of them twice.
  Search(const Regex& regex, std::string_view text, size_t choices_a_byte = kUsualChoices);
  ~Search();

  // The first match that begins at or behind `from`; false if there is none. What lies before `from` is seen by
  // lookbehind and ^. Throws Error(kOutOfMemory) where a text has too many ways to keep, and is of no use from then on.
  bool find(size_t from, Match& match);

  size_t num_choices() const;  // so far: between alternatives, and between one more repeat and none

 private:
  class Matcher;
  std::unique_ptr<Matcher> matcher_;
};

}  // namespace emberline
