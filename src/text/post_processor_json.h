// SPDX-License-Identifier: Apache-2.0
#pragma once
// The post-processor of a tokenizer.json, as far as it concerns ids and types of one sequence or two.
#include "text/json_node.h"
#include "text/template_processor.h"

namespace emberline {

// Throws Error(kFormat | kUnsupported) that names the place in the file.
TemplateConfig read_post_processor(const JsonNode& node);

}  // namespace emberline
