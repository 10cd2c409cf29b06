// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sequence: pre-tokenizers one after another, each cutting the words of the one before.
#include <memory>
#include <vector>

#include "text/stages.h"

namespace emberline {

std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(std::vector<std::unique_ptr<PreTokenizer>> parts);

}  // namespace emberline
