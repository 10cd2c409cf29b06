// SPDX-License-Identifier: Apache-2.0
#include "text/precompiled.h"

#include <array>
#include <optional>

#include "base/error.h"
#include "text/charsmap.h"
#include "text/graphemes.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Clusters of this many bytes or more are looked at character by character.
constexpr size_t kLongCluster = 6;

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(Charsmap charsmap) : charsmap_(std::move(charsmap)) {
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
    const auto match = charsmap_.shortest(text);
    return match ? std::optional(match->form) : std::nullopt;
  }

  Charsmap charsmap_;
  std::array<std::string, 128> ascii_;
};

}  // namespace

std::unique_ptr<Normalizer> make_precompiled(std::string_view charsmap, const std::string& place) {
  return std::make_unique<Precompiled>(Charsmap(charsmap, place));
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
