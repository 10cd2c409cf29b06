// SPDX-License-Identifier: Apache-2.0
#pragma once
// Python's str.lower: lower case of each character, and the form of the Greek sigma at the end of a word.
#include <string>
#include <string_view>

namespace emberline {

// Appends the lower case of `text`, which must be well-formed UTF-8.
void append_python_lower(std::string_view text, std::string& out);

}  // namespace emberline
