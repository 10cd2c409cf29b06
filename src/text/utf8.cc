// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <algorithm>
#include <cstring>

#include "text/unicode.h"

namespace emberline::utf8 {
namespace {

bool is_continuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
}

// Smallest and largest second byte that may follow `lead` (C2..F4): rules out overlong forms, surrogates and code
// points above U+10FFFF.
void second_byte_range(uint8_t lead, uint8_t& low, uint8_t& high) {
  low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
}

size_t ascii_prefix(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (i < text.size() && static_cast<uint8_t>(text[i]) < 0x80) ++i;
  return i;
}

}  // namespace

void append(char32_t c, std::string& out) {
  char bytes[4];
  out.append(bytes, encode(c, bytes));
}

Step step(std::string_view text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const size_t want = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (want == 0 || text.size() < 2) return {unicode::kReplacement, 1, false};
  uint8_t low, high;
  second_byte_range(lead, low, high);
  const uint8_t second = static_cast<uint8_t>(text[1]);
  if (second < low || second > high) return {unicode::kReplacement, 1, false};
  for (size_t i = 2; i < want; ++i) {
    if (i >= text.size() || !is_continuation(text[i])) return {unicode::kReplacement, i, false};
  }
  const char* p = text.data();
  return {decode(p), want, true};
}

char32_t before(std::string_view text, size_t position) {
  size_t start = position - 1;
  while (start > 0 && position - start < 4 && is_continuation(text[start])) --start;
  const Step found = step(text.substr(start, position - start));
  return found.valid && found.length == position - start ? found.code_point : unicode::kReplacement;
}

size_t valid_prefix(std::string_view text) {
  size_t i = 0;
  while (true) {
    i += ascii_prefix(text.substr(i));
    if (i == text.size()) return i;
    const Step next = step(text.substr(i));
    if (!next.valid) return i;
    i += next.length;
  }
}

void append_repaired(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t valid = valid_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return;
    append(unicode::kReplacement, out);
    text.remove_prefix(step(text).length);
  }
}

size_t count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char b) { return !is_continuation(b); }));
}

}  // namespace emberline::utf8
