// SPDX-License-Identifier: Apache-2.0
#pragma once
// What transformers makes of a SentencePiece file for a tokenizer class, where there is no tokenizer.json.
#include "text/sentencepiece_file.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_settings.h"

namespace emberline {

// Fills the model and the charsmap of `file`, and adds the tokens that `from` names to `settings`, whose defaults are
// in (add_default_tokens). Throws Error(kFormat | kUnsupported) where the class needs another kind of model.
void convert_sentencepiece(SentencePieceFile from, TokenizerSettings& settings, TokenizerFile& file);

}  // namespace emberline
