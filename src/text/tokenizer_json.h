// SPDX-License-Identifier: Apache-2.0
#pragma once
// tokenizer.json as plain data and built stages, exactly as the file says.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/bert_normalizer.h"
#include "text/json_node.h"
#include "text/model_json.h"
#include "text/stages.h"
#include "text/template_processor.h"

namespace emberline {

struct TokenizerFile {
  std::string name = "tokenizer.json";                  // of the file that the vocabulary is from
  std::unique_ptr<Normalizer> normalizer;               // null where the file has null
  std::optional<BertNormalizerConfig> bert_normalizer;  // if the normalizer is just that
  std::unique_ptr<PreTokenizer> pre_tokenizer;          // null where the file has null
  std::string pre_tokenizer_type;                       // "null" for null
  TokenModelConfig model;
  std::vector<AddedToken> added_tokens;  // in the order of the file, with the file's ids
  TemplateConfig post_processor;
  std::string charsmap;  // of the first Precompiled of the normalizer, as bytes; empty: none
  bool truncate_left = false;
  int64_t largest_text = 0;  // tokens that texts are cut to; 0 where the file does not say
};

// Throws Error(kFormat | kUnsupported) that names the place in the file.
TokenizerFile read_tokenizer_json(std::string_view text, const std::string& name);

// An added token as tokenizer.json and tokenizer_config.json write it; missing flags are off, except that tokens which
// are not special are matched in normalized text.
AddedToken read_added_token(const JsonNode& node, int32_t id);

}  // namespace emberline
