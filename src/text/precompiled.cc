// SPDX-License-Identifier: Apache-2.0
#include "text/precompiled.h"

#include <array>
#include <optional>

#include "base/error.h"
#include "text/graphemes.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Clusters of this many bytes or more are looked at character by character.
constexpr size_t kLongCluster = 6;

uint32_t read_unit(std::string_view bytes, size_t at) {
  uint32_t unit = 0;
  for (size_t i = 4; i-- > 0;) unit = unit << 8 | static_cast<uint8_t>(bytes[at + i]);
  return unit;
}

// A unit of the trie (a double array as the darts-clone library lays it out).
struct Unit {
  uint32_t bits;

  bool has_value() const { return (bits >> 8 & 1) != 0; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  uint32_t label() const { return bits & 0x800000FF; }
  uint32_t offset() const { return (bits >> 10) << ((bits & 1U << 9) >> 6); }
};

class Precompiled final : public Normalizer {
 public:
  Precompiled(std::vector<Unit> units, std::string strings) : units_(std::move(units)), strings_(std::move(strings)) {
    for (size_t c = 0; c < ascii_.size(); ++c) {
      const char byte = static_cast<char>(c);
      ascii_[c] = std::string(find({&byte, 1}).value_or(std::string_view(&byte, 1)));
    }
  }

  void append(std::string_view text, std::string& out) const override {
    for (size_t at = 0; at < text.size();) {
      const auto byte = static_cast<uint8_t>(text[at]);
      const bool alone = at + 1 == text.size() || static_cast<uint8_t>(text[at + 1]) < 0x80;
      if (byte < 0x80 && byte != '\r' && alone) {
        out += ascii_[byte];
        ++at;
        continue;
      }
      const size_t end = grapheme_end(text, at);
      append_cluster(text.substr(at, end - at), out);
      at = end;
    }
  }

 private:
  void append_cluster(std::string_view cluster, std::string& out) const {
    if (cluster.size() < kLongCluster) {
      if (const auto form = find(cluster)) {
        out += *form;
        return;
      }
    }
    for (size_t at = 0; at < cluster.size();) {
      const size_t length = utf8::step(cluster.substr(at)).length;
      const std::string_view part = cluster.substr(at, length);
      out += find(part).value_or(part);
      at += length;
    }
  }

  // What the shortest string of the table that `text` begins with becomes: the reference drops the rest of it.
  std::optional<std::string_view> find(std::string_view text) const {
    uint32_t node = units_[0].offset();
    for (const char c : text) {
      const auto byte = static_cast<uint8_t>(c);
      if (byte == 0) break;
      node ^= byte;
      if (node >= units_.size() || units_[node].label() != byte) break;
      const Unit unit = units_[node];
      node ^= unit.offset();
      if (!unit.has_value()) continue;
      if (node >= units_.size()) break;
      return string_at(units_[node].value());
    }
    return std::nullopt;
  }

  // A place that no sound file has gives the empty string.
  std::string_view string_at(uint32_t place) const {
    const auto is_inside = [&](size_t at) { return (static_cast<uint8_t>(strings_[at]) & 0xC0) == 0x80; };
    if (place >= strings_.size() || is_inside(place)) return {};
    return std::string_view(strings_).substr(place, strings_.find('\0', place) - place);
  }

  std::vector<Unit> units_;  // not empty
  std::string strings_;      // well-formed
  std::array<std::string, 128> ascii_;
};

}  // namespace

std::unique_ptr<Normalizer> make_precompiled(std::string_view charsmap, const std::string& place) {
  check(charsmap.size() >= 4, Code::kFormat, "{}: charsmap of {} bytes, expected at least 4", place, charsmap.size());
  const uint32_t trie_bytes = read_unit(charsmap, 0);
  check(trie_bytes % 4 == 0 && trie_bytes >= 4 && trie_bytes <= charsmap.size() - 4, Code::kFormat,
        "{}: charsmap of {} bytes says its trie has {}, expected a multiple of 4 that fits", place, charsmap.size(),
        trie_bytes);
  std::vector<Unit> units(trie_bytes / 4);
  for (size_t i = 0; i < units.size(); ++i) units[i] = {read_unit(charsmap, 4 + 4 * i)};
  const std::string_view strings = charsmap.substr(4 + trie_bytes);
  const size_t valid = utf8::valid_prefix(strings);
  check(valid == strings.size(), Code::kFormat, "{}: invalid UTF-8 at byte {} of the charsmap", place,
        4 + trie_bytes + valid);
  return std::make_unique<Precompiled>(std::move(units), std::string(strings));
}

std::string decode_base64(std::string_view text, const std::string& place) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> value;
  value.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) value[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  check(text.size() % 4 == 0, Code::kFormat, "{}: {} characters, expected base64: a multiple of 4", place, text.size());
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int8_t digit = value[static_cast<uint8_t>(text[i])];
    check(digit >= 0, Code::kFormat, "{}: character {} is not of base64", place, i);
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return bytes;
}

}  // namespace emberline
