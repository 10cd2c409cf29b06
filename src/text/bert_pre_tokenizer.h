// SPDX-License-Identifier: Apache-2.0
#pragma once
// BertPreTokenizer: words end at white space, which is dropped; each punctuation character is a word of its own.
#include <memory>

#include "text/stages.h"

namespace emberline {

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();

}  // namespace emberline
