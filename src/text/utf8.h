// SPDX-License-Identifier: Apache-2.0
#pragma once
// UTF-8 in and out: decoding of well-formed text, and repair of ill-formed text as Python's errors="replace" does it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace emberline::utf8 {

// The code point at `p`, which must be the start of a well-formed sequence; `p` moves behind it.
inline char32_t decode(const char*& p) {
  const auto byte = [&](int i) { return static_cast<uint8_t>(p[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return static_cast<uint8_t>(*p++);
  char32_t c;
  if (lead < 0xE0) {
    c = (lead & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
    p += 2;
  } else if (lead < 0xF0) {
    c = (lead & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    p += 3;
  } else {
    c = (lead & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 | (byte(3) & 0x3Fu);
    p += 4;
  }
  return c;
}

// Writes 1 to 4 bytes at `out` and returns the place behind them. `c` must be a Unicode scalar value.
inline char* encode(char32_t c, char* out) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | c >> 12);
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | c >> 18);
    *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (c & 0x3F));
  }
  return out;
}

void append(char32_t c, std::string& out);

// Length of the sequence at the start of `text` (not empty) and its code point; ill-formed text gives U+FFFD and the
// length of the maximal ill-formed part, at least 1.
struct Step {
  char32_t code_point;
  size_t length;
  bool valid;
};
Step step(std::string_view text);

// The code point that ends right before `position` (> 0); U+FFFD where it is ill-formed.
char32_t before(std::string_view text, size_t position);

// Bytes at the start of `text` that are well-formed: text.size() if all are.
size_t valid_prefix(std::string_view text);

// Appends `text` with each maximal ill-formed part replaced by U+FFFD.
void append_repaired(std::string_view text, std::string& out);

// Code points in well-formed `text`.
size_t count(std::string_view text);

}  // namespace emberline::utf8
