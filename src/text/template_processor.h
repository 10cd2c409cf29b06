// SPDX-License-Identifier: Apache-2.0
#pragma once
// TemplateProcessing and BertProcessing: special tokens before and after the one sequence.
#include <memory>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct SpecialTokens {
  std::vector<int32_t> ids;
  std::vector<int32_t> types;  // as many as ids
};

struct TemplateConfig {
  SpecialTokens before;
  SpecialTokens after;
  int32_t sequence_type = 0;
};

std::unique_ptr<PostProcessor> make_template_processor(TemplateConfig config);

}  // namespace emberline
