// SPDX-License-Identifier: Apache-2.0
#pragma once
// Added tokens: strings that become one id wherever they stand in the text, before (or, when `normalized`, after) the
// normalizer ran. The leftmost match wins, among those the longest.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace emberline {

struct AddedToken {
  std::string content;  // not empty
  int32_t id = -1;
  bool single_word = false;  // no match inside a word
  bool lstrip = false;       // takes white space on its left
  bool rstrip = false;       // takes white space on its right
  bool normalized = true;    // matches in normalized text
  bool special = false;
};

// Immutable after construction; safe from many threads.
class AddedTokenMatcher {
 public:
  AddedTokenMatcher() = default;
  // Throws Error(kFormat) where two tokens have the same content.
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  struct Match {
    size_t begin;  // after lstrip
    size_t end;    // after rstrip
    int32_t id;
  };
  struct Cursor {
    size_t search = 0;  // where the next match may begin
    size_t taken = 0;   // end of the last match: white space before it belongs to that one
  };

  // The next match that begins before `limit`; false if there is none. Reads behind `limit` only as far as a token
  // reaches. `text` may be ill-formed where no token contains U+FFFD.
  bool next(std::string_view text, size_t limit, Cursor& cursor, Match& match) const;

 private:
  const AddedToken* longest_at(std::string_view text, size_t position) const;

  std::vector<AddedToken> tokens_;        // by first byte, then longest first
  std::array<uint32_t, 257> first_ = {};  // tokens that begin with byte b: [first_[b], first_[b + 1])
  int single_first_ = -1;                 // the first byte, if all tokens share one
};

}  // namespace emberline
