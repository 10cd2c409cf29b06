// SPDX-License-Identifier: Apache-2.0
#pragma once
// The model of a tokenizer.json: its kind, vocabulary and settings.
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/bpe.h"
#include "text/json_node.h"
#include "text/unigram.h"
#include "text/word_level.h"
#include "text/wordpiece.h"

namespace emberline {

using TokenModelConfig = std::variant<WordPieceConfig, UnigramConfig, BpeConfig, WordLevelConfig>;
using Vocabulary = std::vector<std::pair<std::string, int32_t>>;

// Throws Error(kFormat | kUnsupported) that names the place in the file.
TokenModelConfig read_token_model(const JsonNode& node);

// "BPE", as tokenizer.json spells it.
const char* kind_of(const TokenModelConfig& config);

// Pieces with their ids, sorted by piece.
Vocabulary vocabulary_of(const TokenModelConfig& config);

// `place` names the model in messages.
std::unique_ptr<TokenModel> make_token_model(const TokenModelConfig& config, const std::string& place);

// Rounds scores as tokenizers does when it reads a tokenizer.json: not always to the nearest number. Ways through a
// word whose scores are equal but for rounding depend on it.
void round_scores_as_tokenizers(UnigramConfig& config);

// Throw Error(kFormat) where two pieces share an id, or two ids a piece.
void check_ids_differ(const Vocabulary& vocabulary, const std::string& place);
void check_pieces_differ(const UnigramConfig& config, const std::string& place);

}  // namespace emberline
