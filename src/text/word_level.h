// SPDX-License-Identifier: Apache-2.0
#pragma once
// WordLevel: each word is one piece, or the unknown one.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct WordLevelConfig {
  std::vector<std::pair<std::string, int32_t>> vocab;  // pieces differ, ids are not negative
  std::string unk_token = "<unk>";
};

// Throws Error(kFormat) where the vocabulary lacks unk_token.
std::unique_ptr<TokenModel> make_word_level(const WordLevelConfig& config);

}  // namespace emberline
