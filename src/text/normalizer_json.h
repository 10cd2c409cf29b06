// SPDX-License-Identifier: Apache-2.0
#pragma once
// The normalizer of a tokenizer.json.
#include <memory>

#include "text/bert_normalizer.h"
#include "text/json_node.h"
#include "text/stages.h"

namespace emberline {

// Throws Error(kFormat | kUnsupported) that names the place in the file.
std::unique_ptr<Normalizer> read_normalizer(const JsonNode& node);

BertNormalizerConfig read_bert_normalizer(const JsonNode& node);

}  // namespace emberline
