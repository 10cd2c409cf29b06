// SPDX-License-Identifier: Apache-2.0
#pragma once
// The pre-tokenizer of a tokenizer.json.
#include <memory>

#include "text/json_node.h"
#include "text/stages.h"

namespace emberline {

struct PreTokenizerStage {
  std::unique_ptr<PreTokenizer> stage;
  // It ends in ByteLevel: the model's pieces are written in the characters that stand for bytes (byte_level.h), while
  // words stay as they are here.
  bool byte_level = false;
};

// Throws Error(kFormat | kUnsupported) that names the place in the file.
PreTokenizerStage read_pre_tokenizer(const JsonNode& node);

}  // namespace emberline
