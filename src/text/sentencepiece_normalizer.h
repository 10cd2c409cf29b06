// SPDX-License-Identifier: Apache-2.0
#pragma once
// How SentencePiece itself normalizes: the longest string of the charsmap at each place, spaces put in and taken out.
#include <memory>

#include "text/sentencepiece_file.h"
#include "text/stages.h"

namespace emberline {

// Pieces of type kUserDefined stay as they are. Throws Error(kFormat) where the charsmap is damaged.
std::unique_ptr<Normalizer> make_sentencepiece_normalizer(const SentencePieceFile& file);

}  // namespace emberline
