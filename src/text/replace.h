// SPDX-License-Identifier: Apache-2.0
#pragma once
// Replace: every occurrence of a string, or of a pattern, becomes another string.
#include <memory>
#include <string>
#include <string_view>

#include "text/stages.h"

namespace emberline {

// `pattern` must not be empty.
std::unique_ptr<Normalizer> make_replace_string(std::string pattern, std::string content);

// `place` names the regular expression in messages. Throws as Regex does.
std::unique_ptr<Normalizer> make_replace_pattern(std::string_view regex, std::string content, std::string_view place);

}  // namespace emberline
