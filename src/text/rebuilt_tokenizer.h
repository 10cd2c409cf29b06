// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokenizers that transformers builds from their class's own rules: of tokenizer.json it takes the vocabulary, the
// merges, the charsmap and the added tokens, and builds the other stages anew.
#include <string>
#include <string_view>

#include "text/added_vocabulary.h"
#include "text/template_processor.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_settings.h"

namespace emberline {

// True for the classes that rebuild_stages knows; BertTokenizer is built elsewhere (tokenizer_files.cc).
bool is_rebuilt(std::string_view tokenizer_class);

// Throws Error(kUnsupported) unless transformers builds the class from the files of settings.source.
void check_source(const TokenizerSettings& settings);

// Puts in the tokens that the class has where no file names them.
void add_default_tokens(TokenizerSettings& settings);

// Replaces the stages of `file`, and the settings of its model, by those of the class. Throws Error(kUnsupported) where
// the model is of another kind than the class needs.
void rebuild_stages(const TokenizerSettings& settings, TokenizerFile& file);

// The special tokens around a sequence: those of the class, or where it has none of its own, the file's, or what the
// settings say where no file has any.
TemplateConfig rebuilt_post_processor(const TokenizerSettings& settings, const TemplateConfig& of_file,
                                      AddedVocabulary& vocabulary);

}  // namespace emberline
