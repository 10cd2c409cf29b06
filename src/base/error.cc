// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace emberline {

std::string join_message(std::string_view pattern, const std::vector<std::string>& parts) {
  std::string text;
  size_t next = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{' && i + 1 < pattern.size() && pattern[i + 1] == '}' && next < parts.size()) {
      text += parts[next++];
      ++i;
    } else {
      text += pattern[i];
    }
  }
  return text;
}

}  // namespace emberline
