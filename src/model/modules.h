// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sentence-transformers files of a model directory: what comes after the transformer, limits and prompts.
#include <filesystem>

#include "model/config.h"

namespace emberline {

// Reads modules.json, the modules it names and config_sentence_transformers.json into `config`, whose directory is set.
// Sets network_directory, pooling, include_prompt, head and prompts. Widths are checked by check_head once the network
// is known.
void read_modules(ModelConfig& config);

// Whether the widths of pooling and of the Dense modules continue the network's; settles pooling's by a warning.
void check_head(ModelConfig& config);

// Sets max_tokens and lower_case_first from sentence_bert_config.json (where `with_modules`), tokenizer_config.json and
// the network's positions.
void read_token_limits(ModelConfig& config, bool with_modules);

}  // namespace emberline
