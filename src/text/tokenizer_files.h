// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory's tokenizer.json, or the files that were before it, with tokenizer_config.json and its kin, brought
// together as transformers 5 does: for a BERT tokenizer only vocabulary and added tokens come from tokenizer.json, the
// rest from tokenizer_config.json. A SentencePiece file that no tokenizer class is named for is read as SentencePiece
// itself reads it.
#include <filesystem>

#include "text/pipeline.h"

namespace emberline {

// Throws Error(kIo | kFormat | kUnsupported).
TokenizerParts read_tokenizer_files(const std::filesystem::path& directory);

// tokenizer.json as tokenizers itself loads it, without special tokens around texts; see Tokenizer::load_bare.
TokenizerParts read_bare_tokenizer(const std::filesystem::path& directory, bool drops_unknown);

}  // namespace emberline
