// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a tokenizer directory says, as plain data and built stages; and the way of a text through them.
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/stages.h"
#include "text/template_processor.h"

namespace emberline {

struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;       // null: text as it is
  std::unique_ptr<PreTokenizer> pre_tokenizer;  // null: all of the text is one word
  std::unique_ptr<TokenModel> model;
  std::unique_ptr<PostProcessor> post_processor;
  std::vector<AddedToken> added_tokens;
  bool match_special_tokens = true;  // false: special tokens in the text are plain text
  bool truncate_left = false;        // keep the end of a text that is too long
  int32_t dropped_id = -1;           // a token that is left out of texts
  int32_t empty_id = -1;             // what a text without tokens becomes; -1 for none
  int64_t largest_text = 0;          // tokens that the file cuts texts to; 0 where it does not say
  int64_t vocab_size = 0;
  std::vector<std::string> warnings;
  std::string description;  // for people: the kind, its file and its class
};

struct Tokenizer::Pipeline {
  explicit Pipeline(TokenizerParts from);
  void encode(std::string_view text, int64_t max_tokens, Encoding& out) const;
  // Appends the ids of a text; may stop as soon as out.ids holds `enough`.
  void append_text(std::string_view text, size_t enough, Encoding& out) const;

  TokenizerParts parts;

 private:
  bool may_cut_before(char32_t c, std::string& scratch) const;
  size_t cut(std::string_view text, size_t from, std::string& scratch) const;
  void append_segment(std::string_view text, bool at_start, size_t enough, Encoding& out) const;
  void append_normalized(std::string_view text, bool at_start, size_t enough, Encoding& out) const;

  AddedTokenMatcher raw_tokens_;         // matched before the normalizer
  AddedTokenMatcher normalized_tokens_;  // matched after it
  Cuts cuts_ = Cuts::kNowhere;
  bool asks_for_start_ = false;  // the pre-tokenizer does
  bool in_parts_ = false;        // text may be read in parts, so that truncation stops early
  std::array<bool, 128> cut_before_ascii_ = {};
};

}  // namespace emberline
