// SPDX-License-Identifier: Apache-2.0
#include "text/vocab_txt.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty()) {
    const char32_t last = utf8::before(line, line.size());
    if (!(unicode::flags(last) & unicode::kWhitespace)) break;
    char encoded[4];
    line.remove_suffix(static_cast<size_t>(utf8::encode(last, encoded) - encoded));
  }
  return line;
}

}  // namespace

std::vector<std::pair<std::string, int32_t>> read_vocab_txt(std::string_view text) {
  const size_t valid = utf8::valid_prefix(text);
  check(valid == text.size(), Code::kFormat, "vocab.txt: invalid UTF-8 at byte {}", valid);
  std::map<std::string, int32_t> ids;
  int32_t next = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t newline = std::min(text.find('\n', at), text.size());
    ids[std::string(without_trailing_space(text.substr(at, newline - at)))] = next++;
    at = newline + 1;
  }
  check(!ids.empty(), Code::kFormat, "vocab.txt: has no pieces");
  return {ids.begin(), ids.end()};
}

}  // namespace emberline
