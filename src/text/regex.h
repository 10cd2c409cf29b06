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
#include <vector>

namespace emberline {

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
  // The first match in `text`, well-formed UTF-8, that begins at or behind `from`; false if there is none. What lies
  // before `from` is seen by lookbehind and ^.
  bool find(std::string_view text, size_t from, Match& match) const;

 private:
  struct Program;
  std::unique_ptr<const Program> program_;
};

}  // namespace emberline
