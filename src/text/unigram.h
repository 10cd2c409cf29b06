// SPDX-License-Identifier: Apache-2.0
#pragma once
// Unigram: each word as the pieces whose scores add up to the most, as SentencePiece and tokenizers find them.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct UnigramConfig {
  std::vector<std::pair<std::string, double>> pieces;  // with their scores; the place is the id; they differ
  int32_t unk_id = 0;                                  // a place in pieces
  bool byte_fallback = false;                          // an unknown part becomes its bytes' pieces <0x00> to <0xFF>
};

std::unique_ptr<TokenModel> make_unigram(const UnigramConfig& config);

}  // namespace emberline
