// SPDX-License-Identifier: Apache-2.0
#include "text/python_lower.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;

// `ranges` are pairs of first and last, sorted.
bool in_ranges(const uint32_t* ranges, size_t count, char32_t c) {
  const uint32_t* found = std::lower_bound(ranges, ranges + count, static_cast<uint32_t>(c));
  const bool is_last = (found - ranges) % 2 == 1;
  return found != ranges + count && (is_last || *found == c);
}

bool is_cased(char32_t c) {
  return in_ranges(unicode::kPythonCasedRanges, unicode::kNumPythonCasedRanges, c);
}
bool is_ignored(char32_t c) {
  return in_ranges(unicode::kPythonIgnoredRanges, unicode::kNumPythonIgnoredRanges, c);
}

// True if the capital sigma at [begin, end) follows a cased letter and no cased letter follows it.
bool ends_word(std::string_view text, size_t begin, size_t end) {
  bool follows = false;
  while (begin > 0) {
    const char32_t c = utf8::before(text, begin);
    if (!is_ignored(c)) {
      follows = is_cased(c);
      break;
    }
    char encoded[4];
    begin -= static_cast<size_t>(utf8::encode(c, encoded) - encoded);
  }
  if (!follows) return false;
  for (const char* p = text.data() + end; p < text.data() + text.size();) {
    const char32_t c = utf8::decode(p);
    if (!is_ignored(c)) return !is_cased(c);
  }
  return true;
}

bool is_known(char32_t c) {
  const uint32_t* end = unicode::kPythonUnknownLower + unicode::kNumPythonUnknownLower;
  return !std::binary_search(unicode::kPythonUnknownLower, end, static_cast<uint32_t>(c));
}

}  // namespace

void append_python_lower(std::string_view text, std::string& out) {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const auto begin = static_cast<size_t>(p - text.data());
    const char32_t c = utf8::decode(p);
    if (c < 0x80) {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    } else if (c == kCapitalSigma) {
      utf8::append(ends_word(text, begin, static_cast<size_t>(p - text.data())) ? kFinalSigma : kSmallSigma, out);
    } else {
      const std::u32string_view lower = is_known(c) ? unicode::lower(c) : std::u32string_view();
      if (lower.empty()) utf8::append(c, out);
      for (const char32_t part : lower) utf8::append(part, out);
    }
  }
}

}  // namespace emberline
