// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory's tokenizer.json, vocab.txt, tokenizer_config.json and their kin, brought together as transformers 5
// does: for a BERT tokenizer only vocabulary and added tokens come from tokenizer.json, the rest from
// tokenizer_config.json.
#include <filesystem>

#include "text/pipeline.h"

namespace emberline {

// Throws Error(kIo | kFormat | kUnsupported).
TokenizerParts read_tokenizer_files(const std::filesystem::path& directory);

// tokenizer.json as tokenizers itself loads it, without special tokens around texts; see Tokenizer::load_bare.
TokenizerParts read_bare_tokenizer(const std::filesystem::path& directory, bool drops_unknown);

}  // namespace emberline
