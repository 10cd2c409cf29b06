// SPDX-License-Identifier: Apache-2.0
#pragma once
// Split by the regular expressions of GPT-2, Llama 3 and Qwen 2, each matched by hand. They leave nothing between their
// matches: every match is a word.
#include <memory>
#include <string_view>

#include "text/stages.h"

namespace emberline {

inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Null for any other expression.
std::unique_ptr<PreTokenizer> make_pattern_split(std::string_view regex);

}  // namespace emberline
