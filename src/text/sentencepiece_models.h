// SPDX-License-Identifier: Apache-2.0
#pragma once
// The unigram and BPE models as SentencePiece itself applies them: to the whole of a text, spaces and all.
//
// Their ids differ from those of Unigram and Bpe (unigram.h, bpe.h), which follow tokenizers, in how scores are
// rounded, and in what becomes of pieces that are unused or defined by the user.
#include <memory>

#include "text/sentencepiece_file.h"
#include "text/stages.h"

namespace emberline {

std::unique_ptr<TokenModel> make_sentencepiece_unigram(const SentencePieceFile& file);
std::unique_ptr<TokenModel> make_sentencepiece_bpe(const SentencePieceFile& file);

}  // namespace emberline
