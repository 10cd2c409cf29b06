// SPDX-License-Identifier: Apache-2.0
#pragma once
// WordPiece: each word as the longest pieces from left to right; a word that cannot be built is one unknown token.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct WordPieceConfig {
  std::vector<std::pair<std::string, int32_t>> vocab;  // pieces differ, ids are not negative
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  size_t max_input_chars_per_word = 100;  // code points; a longer word is unknown
};

// Throws Error(kFormat) where the vocabulary lacks unk_token.
std::unique_ptr<TokenModel> make_wordpiece(const WordPieceConfig& config);

}  // namespace emberline
