// SPDX-License-Identifier: Apache-2.0
#pragma once
// BertNormalizer: drop control characters, put spaces around Chinese characters, strip accents, lower case.
#include <memory>

#include "text/stages.h"

namespace emberline {

struct BertNormalizerConfig {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;  // the file's null is resolved to `lowercase` before it comes here
  bool lowercase = true;
};

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerConfig& config);

// Lowercase: lower case of each character, regardless of its neighbours.
std::unique_ptr<Normalizer> make_lowercase();

}  // namespace emberline
