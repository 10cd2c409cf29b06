// SPDX-License-Identifier: Apache-2.0
#include "text/char_normalizers.h"

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

class Nmt final : public Normalizer {
 public:
  void append(std::string_view text, std::string& out) const override {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p < end;) {
      const char32_t c = utf8::decode(p);
      if (!is_dropped(c)) utf8::append(is_space(c) ? U' ' : c, out);
    }
  }
  bool drops_start(std::string_view text) const override { return is_dropped(utf8::step(text).code_point); }

 private:
  static bool is_dropped(char32_t c) {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
  }
  static bool is_space(char32_t c) {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
           c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
  }
};

class StripAccents final : public Normalizer {
 public:
  void append(std::string_view text, std::string& out) const override {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p < end;) {
      const char* const here = p;
      const char32_t c = utf8::decode(p);
      if (!(unicode::traits(c) & unicode::kCombining)) out.append(here, p);
    }
  }
  bool drops_start(std::string_view text) const override {
    return unicode::traits(utf8::step(text).code_point) & unicode::kCombining;
  }
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void append(std::string_view text, std::string& out) const override {
    while (left_ && !text.empty()) {
      const utf8::Step first = utf8::step(text);
      if (!is_space(first.code_point)) break;
      text.remove_prefix(first.length);
    }
    while (right_ && !text.empty()) {
      const char32_t last = utf8::before(text, text.size());
      if (!is_space(last)) break;
      char encoded[4];
      text.remove_suffix(static_cast<size_t>(utf8::encode(last, encoded) - encoded));
    }
    out += text;
  }
  Cuts cuts() const override { return Cuts::kNowhere; }
  bool drops_start(std::string_view text) const override { return left_ && is_space(utf8::step(text).code_point); }

 private:
  static bool is_space(char32_t c) { return unicode::flags(c) & unicode::kWhitespace; }

  bool left_;
  bool right_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}

  void append(std::string_view text, std::string& out) const override {
    if (!text.empty()) out += prefix_;
    out += text;
  }
  Cuts cuts() const override { return Cuts::kNowhere; }

 private:
  std::string prefix_;
};

}  // namespace

std::unique_ptr<Normalizer> make_nmt() {
  return std::make_unique<Nmt>();
}
std::unique_ptr<Normalizer> make_strip_accents() {
  return std::make_unique<StripAccents>();
}
std::unique_ptr<Normalizer> make_strip(bool left, bool right) {
  return std::make_unique<Strip>(left, right);
}
std::unique_ptr<Normalizer> make_prepend(std::string prefix) {
  return std::make_unique<Prepend>(std::move(prefix));
}

}  // namespace emberline
