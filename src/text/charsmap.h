// SPDX-License-Identifier: Apache-2.0
#pragma once
// The charsmap of a SentencePiece model: a table of strings and what each of them becomes.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace emberline {

// Immutable after construction; safe from many threads.
class Charsmap {
 public:
  // `bytes` as SentencePiece writes them: the trie's size in bytes, the trie, then strings that end with NUL. `place`
  // names them in messages. Throws Error(kFormat).
  Charsmap(std::string_view bytes, const std::string& place);

  struct Match {
    size_t length;          // bytes of the text that it stands for, at least 1
    std::string_view form;  // what they become
  };
  // Of the strings of the table that `text` begins with, the shortest or the longest.
  std::optional<Match> shortest(std::string_view text) const { return find(text, false); }
  std::optional<Match> longest(std::string_view text) const { return find(text, true); }

 private:
  // A unit of the trie (a double array as the darts-clone library lays it out).
  struct Unit {
    uint32_t bits;

    bool has_value() const { return (bits >> 8 & 1) != 0; }
    uint32_t value() const { return bits & 0x7FFFFFFF; }
    uint32_t label() const { return bits & 0x800000FF; }
    uint32_t offset() const { return (bits >> 10) << ((bits & 1U << 9) >> 6); }
  };

  std::optional<Match> find(std::string_view text, bool longest) const;
  std::string_view string_at(uint32_t place) const;

  std::vector<Unit> units_;  // not empty
  std::string strings_;      // well-formed
};

}  // namespace emberline
