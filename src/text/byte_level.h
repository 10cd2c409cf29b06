// SPDX-License-Identifier: Apache-2.0
#pragma once
// ByteLevel: words are bytes, and in the pieces of the model a visible character stands for each byte.
//
// Words keep their bytes here; the model turns them into those characters itself (byte_characters).
#include <array>
#include <memory>
#include <string>

#include "text/stages.h"

namespace emberline {

// Puts a space before words that do not begin with one (prefix_space), then cuts them as GPT-2 does (use_pattern).
std::unique_ptr<PreTokenizer> make_byte_level(bool prefix_space, bool use_pattern);

// UTF-8 of the character that stands for each byte.
const std::array<std::string, 256>& byte_characters();

}  // namespace emberline
