// SPDX-License-Identifier: Apache-2.0
#pragma once
// Models without a network: a table with one vector for each token, whose mean is the text's (the StaticEmbedding of
// sentence-transformers, and model2vec, which makes such tables).
#include <filesystem>

#include "model/config.h"
#include "model/json_value.h"
#include "model/weights.h"

namespace emberline {

// A model that sentence-transformers' modules.json describes, or that model2vec's own config.json does: without other
// modules, and without the tokens that a text has for what its vocabulary lacks.
void read_static_module(const std::filesystem::path& directory, ModelConfig& config);
bool is_model2vec(const JsonValue& file);
void read_model2vec(const JsonValue& file, ModelConfig& config);

// Sizes as the table of model.safetensors has them. Throws Error(kIo | kFormat | kUnsupported).
NetworkConfig read_static_network(const std::filesystem::path& directory);

// The table, a row for each token. Tokens of model2vec may share rows (tensor `mapping`), be multiplied by a number of
// their own (`weights`), and the rows may be int8: then it is made in f32. Throws Error(kFormat | kUnsupported) that
// names the tensor.
Weights open_static_table(const std::filesystem::path& directory);

}  // namespace emberline
