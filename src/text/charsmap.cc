// SPDX-License-Identifier: Apache-2.0
#include "text/charsmap.h"

#include "base/error.h"
#include "text/utf8.h"

namespace emberline {
namespace {

uint32_t read_unit(std::string_view bytes, size_t at) {
  uint32_t unit = 0;
  for (size_t i = 4; i-- > 0;) unit = unit << 8 | static_cast<uint8_t>(bytes[at + i]);
  return unit;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& place) {
  check(bytes.size() >= 4, Code::kFormat, "{}: charsmap of {} bytes, expected at least 4", place, bytes.size());
  const uint32_t trie_bytes = read_unit(bytes, 0);
  check(trie_bytes % 4 == 0 && trie_bytes >= 4 && trie_bytes <= bytes.size() - 4, Code::kFormat,
        "{}: charsmap of {} bytes says its trie has {}, expected a multiple of 4 that fits", place, bytes.size(),
        trie_bytes);
  units_.resize(trie_bytes / 4);
  for (size_t i = 0; i < units_.size(); ++i) units_[i] = {read_unit(bytes, 4 + 4 * i)};
  strings_ = bytes.substr(4 + trie_bytes);
  const size_t valid = utf8::valid_prefix(strings_);
  check(valid == strings_.size(), Code::kFormat, "{}: invalid UTF-8 at byte {} of the charsmap", place,
        4 + trie_bytes + valid);
}

std::optional<Charsmap::Match> Charsmap::find(std::string_view text, bool longest) const {
  std::optional<Match> match;
  uint32_t node = units_[0].offset();
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte == 0) break;
    node ^= byte;
    if (node >= units_.size() || units_[node].label() != byte) break;
    const Unit unit = units_[node];
    node ^= unit.offset();
    if (!unit.has_value()) continue;
    if (node >= units_.size()) break;
    match = Match{i + 1, string_at(units_[node].value())};
    if (!longest) break;
  }
  return match;
}

// A place that no sound file has gives the empty string.
std::string_view Charsmap::string_at(uint32_t place) const {
  const auto is_inside = [&](size_t at) { return (static_cast<uint8_t>(strings_[at]) & 0xC0) == 0x80; };
  if (place >= strings_.size() || is_inside(place)) return {};
  return std::string_view(strings_).substr(place, strings_.find('\0', place) - place);
}

}  // namespace emberline
