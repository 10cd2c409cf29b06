// SPDX-License-Identifier: Apache-2.0
#pragma once
// Replace: every occurrence of a string, or of one of a few known patterns, becomes another string.
#include <memory>
#include <string>
#include <string_view>

#include "text/stages.h"

namespace emberline {

// `pattern` must not be empty.
std::unique_ptr<Normalizer> make_replace_string(std::string pattern, std::string content);

// Null where the regular expression is none of those known here (known_replace_patterns).
std::unique_ptr<Normalizer> make_replace_pattern(std::string_view regex, std::string content);

// For messages: the expressions that make_replace_pattern takes.
std::string known_replace_patterns();

}  // namespace emberline
