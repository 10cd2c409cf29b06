// SPDX-License-Identifier: Apache-2.0
#pragma once
// BPE: each word's characters (or bytes) are joined pair by pair, the pair that comes first in the list of merges
// first.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct BpeConfig {
  std::vector<std::pair<std::string, int32_t>> vocab;       // sorted by piece; pieces and ids differ
  std::vector<std::pair<std::string, std::string>> merges;  // the first counts most
  std::optional<std::string> unk_token;                     // none: what is unknown is dropped
  std::string continuing_subword_prefix;                    // before every character but the first of a word
  std::string end_of_word_suffix;                           // behind the last one
  bool fuse_unk = false;                                    // unknown characters that touch are one token
  bool byte_fallback = false;                               // unknown characters become <0x00> to <0xFF>
  bool ignore_merges = false;                               // a word that is a piece stays whole
  bool byte_level = false;                                  // pieces are written in byte_characters()
};

// `place` names the model in messages. Throws Error(kFormat) where a merge or unk_token names no piece.
std::unique_ptr<TokenModel> make_bpe(const BpeConfig& config, const std::string& place);

}  // namespace emberline
