// SPDX-License-Identifier: Apache-2.0
#pragma once
// TemplateProcessing and BertProcessing: special tokens before and after a sequence, and between two.
#include <memory>
#include <optional>
#include <vector>

#include "text/stages.h"

namespace emberline {

struct SpecialTokens {
  std::vector<int32_t> ids;
  std::vector<int32_t> types;  // as many as ids
};

// How two sequences become one; as it stands, one behind the other.
struct PairTemplate {
  SpecialTokens before;
  SpecialTokens between;
  SpecialTokens after;
  int32_t first_type = 0;
  int32_t second_type = 1;
};

struct TemplateConfig {
  SpecialTokens before;
  SpecialTokens after;
  int32_t sequence_type = 0;
  std::optional<PairTemplate> pair = std::nullopt;  // none: two sequences are not joined here
};

TemplateConfig bert_template(int32_t cls, int32_t sep);     // [CLS] A [SEP] B [SEP], from B on of type 1
TemplateConfig roberta_template(int32_t cls, int32_t sep);  // <s> A </s> </s> B </s>

std::unique_ptr<PostProcessor> make_template_processor(TemplateConfig config);

}  // namespace emberline
