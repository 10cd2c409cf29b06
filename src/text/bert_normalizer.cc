// SPDX-License-Identifier: Apache-2.0
#include "text/bert_normalizer.h"

#include <cstring>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// No character's form is longer than three times its own bytes (a Hangul syllable as three jamo is the longest).
constexpr size_t kMaxGrowth = 3;

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerConfig& config) : config_(config), forms_(0x10000) {
    for (char32_t c = 0; c < 0x10000; ++c) forms_[c] = make_form(c);
  }

  void append(std::string_view text, std::string& out) const override;
  Cuts cuts() const override { return Cuts::kBeforeSeparators; }
  bool drops_start(std::string_view text) const override {
    const uint8_t flags = unicode::flags(utf8::step(text).code_point);
    return (config_.clean_text && flags & unicode::kCleaned) || (config_.strip_accents && flags & unicode::kMark);
  }

 private:
  // What one character of the basic plane becomes: up to three bytes of UTF-8, or the way to find out.
  struct Form {
    char bytes[3];
    uint8_t length;  // of bytes, or kByRule
  };
  static constexpr uint8_t kByRule = 255;

  struct Writer {
    char* start;    // of the buffer
    char* next;     // where the next byte goes
    char* barrier;  // no combining mark moves to before here
  };

  Form make_form(char32_t c) const;
  void write(char32_t c, Writer& writer) const;
  void write_unmarked(char32_t c, Writer& writer) const;
  void write_lower(char32_t c, Writer& writer) const;

  BertNormalizerConfig config_;
  std::vector<Form> forms_;  // [0x10000]
};

void BertNormalizer::append(std::string_view text, std::string& out) const {
  const size_t begin = out.size();
  out.resize(begin + kMaxGrowth * text.size() + sizeof(Form));
  Writer writer{out.data(), out.data() + begin, out.data() + begin};
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end) {
    const auto lead = static_cast<uint8_t>(*p);
    char32_t c;
    if (lead < 0x80) {
      c = lead;
      ++p;
    } else {
      c = utf8::decode(p);
      if (c >= 0x10000) {
        write(c, writer);
        continue;
      }
    }
    const Form& form = forms_[c];
    if (form.length == kByRule) {
      write(c, writer);
    } else {
      std::memcpy(writer.next, form.bytes, sizeof(form.bytes));
      writer.next += form.length;
    }
  }
  out.resize(static_cast<size_t>(writer.next - out.data()));
}

// Forms that need neither neighbours nor more than three bytes are found by running the rule once.
BertNormalizer::Form BertNormalizer::make_form(char32_t c) const {
  const Form by_rule{{0, 0, 0}, kByRule};
  if (c >= 0xD800 && c < 0xE000) return by_rule;
  const uint8_t flags = unicode::flags(c);
  if (flags & unicode::kHasDecomposition) {
    // Marks of a combining class are either dropped, or ordered among their neighbours.
    const std::u32string_view parts = unicode::decomposition(c);
    if (config_.strip_accents && parts.empty() && !(flags & unicode::kMark)) return by_rule;
    for (const char32_t part : parts) {
      const bool dropped = unicode::flags(part) & unicode::kMark;
      if (!dropped && unicode::combining_class(part) != 0) return by_rule;
      if (dropped && unicode::combining_class(part) == 0) return by_rule;
    }
  } else if (config_.strip_accents && (flags & unicode::kMark)) {
    return by_rule;  // a dropped mark of class 0 still keeps its neighbours apart
  }
  char buffer[32];
  Writer writer{buffer, buffer, buffer};
  write(c, writer);
  const auto length = static_cast<size_t>(writer.next - buffer);
  if (length > sizeof(Form::bytes)) return by_rule;
  Form form{{0, 0, 0}, static_cast<uint8_t>(length)};
  std::memcpy(form.bytes, buffer, length);
  return form;
}

void BertNormalizer::write(char32_t c, Writer& writer) const {
  const uint8_t flags = unicode::flags(c);
  if (config_.clean_text) {
    if (flags & unicode::kCleaned) return;
    if (flags & unicode::kWhitespace) c = ' ';
  }
  const bool spaced = config_.handle_chinese_chars && (flags & unicode::kChinese);
  if (spaced) *writer.next++ = ' ';
  if (!config_.strip_accents) {
    write_lower(c, writer);
  } else if (unicode::is_hangul_syllable(c)) {
    char32_t jamo[3];
    const int count = unicode::decompose_hangul(c, jamo);
    for (int i = 0; i < count; ++i) writer.next = utf8::encode(jamo[i], writer.next);
  } else {
    const std::u32string_view parts = unicode::decomposition(c);
    if (parts.empty()) write_unmarked(c, writer);
    for (const char32_t part : parts) write_unmarked(part, writer);
  }
  if (spaced) *writer.next++ = ' ';
}

// Drops a non-spacing mark. Other combining characters go before those of a higher class that directly precede them:
// canonical order, in which dropped marks of class 0 are still limits.
void BertNormalizer::write_unmarked(char32_t c, Writer& writer) const {
  const uint8_t combining = unicode::combining_class(c);
  if (unicode::flags(c) & unicode::kMark) {
    if (combining == 0) writer.barrier = writer.next;
    return;
  }
  if (combining == 0) {
    write_lower(c, writer);
    return;
  }
  char* place = writer.next;
  while (place > writer.barrier) {
    const std::string_view written(writer.barrier, static_cast<size_t>(place - writer.barrier));
    const char32_t previous = utf8::before(written, written.size());
    if (unicode::combining_class(previous) <= combining) break;
    char encoded[4];
    place -= utf8::encode(previous, encoded) - encoded;
  }
  char encoded[4];
  const auto length = static_cast<size_t>(utf8::encode(c, encoded) - encoded);
  std::memmove(place + length, place, static_cast<size_t>(writer.next - place));
  std::memcpy(place, encoded, length);
  writer.next += length;
}

void BertNormalizer::write_lower(char32_t c, Writer& writer) const {
  const std::u32string_view lower = config_.lowercase ? unicode::lower(c) : std::u32string_view();
  if (lower.empty()) writer.next = utf8::encode(c, writer.next);
  for (const char32_t part : lower) writer.next = utf8::encode(part, writer.next);
}

}  // namespace

std::unique_ptr<Normalizer> make_bert_normalizer(const BertNormalizerConfig& config) {
  return std::make_unique<BertNormalizer>(config);
}

std::unique_ptr<Normalizer> make_lowercase() {
  return std::make_unique<BertNormalizer>(BertNormalizerConfig{false, false, false, true});
}

}  // namespace emberline
