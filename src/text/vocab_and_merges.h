// SPDX-License-Identifier: Apache-2.0
#pragma once
// The vocabulary of a BPE tokenizer as two files: vocab.json with the pieces and their ids, merges.txt with a merge a
// line, the first counting most.
#include <string_view>

#include "text/bpe.h"

namespace emberline {

// Throws Error(kFormat) that names the file and the piece or the line.
BpeConfig read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt);

}  // namespace emberline
