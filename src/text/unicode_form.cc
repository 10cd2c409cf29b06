// SPDX-License-Identifier: Apache-2.0
#include "text/unicode_form.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

struct Part {
  char32_t c;
  uint8_t combining;
};

class FormNormalizer final : public Normalizer {
 public:
  explicit FormNormalizer(UnicodeForm form)
      : compatible_(form == UnicodeForm::kNfkc || form == UnicodeForm::kNfkd),
        composes_(form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc) {}

  // Only characters that may change, and the one before each run of them, are taken apart.
  void append(std::string_view text, std::string& out) const override {
    std::vector<Part> parts;
    const char* const end = text.data() + text.size();
    const char* copied = text.data();  // all before it is in out
    const char* previous = text.data();
    for (const char* p = text.data(); p < end;) {
      const char* const here = p;
      if (!may_change(utf8::decode(p))) {
        previous = here;
        continue;
      }
      out.append(copied, previous);
      parts.clear();
      if (previous < here) add(utf8::decode(previous), parts);
      const char* run = here;
      while (run < end) {
        const char* next = run;
        const char32_t c = utf8::decode(next);
        if (!may_change(c)) break;
        add(c, parts);
        run = next;
      }
      write(parts, out);
      copied = previous = p = run;
    }
    out.append(copied, end);
  }

 private:
  bool may_change(char32_t c) const {
    if (compatible_ && unicode::traits(c) & unicode::kCompatibility) return true;
    return composes_ ? unicode::traits(c) & unicode::kMayCompose : unicode::flags(c) & unicode::kHasDecomposition;
  }

  void add(char32_t c, std::vector<Part>& parts) const {
    if (unicode::is_hangul_syllable(c)) {
      char32_t jamo[3];
      const int count = unicode::decompose_hangul(c, jamo);
      for (int i = 0; i < count; ++i) parts.push_back({jamo[i], 0});
      return;
    }
    std::u32string_view form;
    if (compatible_) form = unicode::compatibility(c);
    if (form.empty()) form = unicode::decomposition(c);
    if (form.empty()) form = {&c, 1};
    for (const char32_t part : form) parts.push_back({part, unicode::combining_class(part)});
  }

  void write(std::vector<Part>& parts, std::string& out) const {
    for (auto first = parts.begin(); first != parts.end();) {
      const auto is_starter = [](const Part& part) { return part.combining == 0; };
      first = std::find_if_not(first, parts.end(), is_starter);
      const auto last = std::find_if(first, parts.end(), is_starter);
      std::stable_sort(first, last, [](const Part& a, const Part& b) { return a.combining < b.combining; });
      first = last;
    }
    if (composes_) compose(parts);
    for (const Part& part : parts) utf8::append(part.c, out);
  }

  // Each character goes into the last starter before it, if they compose and nothing of its class or higher is between.
  static void compose(std::vector<Part>& parts) {
    size_t kept = 0;
    size_t starter = SIZE_MAX;  // place among the kept
    for (const Part& part : parts) {
      if (starter != SIZE_MAX) {
        const bool touches = kept == starter + 1;
        if (touches || parts[kept - 1].combining < part.combining) {
          const char32_t whole = unicode::compose(parts[starter].c, part.c);
          if (whole != 0) {
            parts[starter].c = whole;
            continue;
          }
        }
      }
      if (part.combining == 0) starter = kept;
      parts[kept++] = part;
    }
    parts.resize(kept);
  }

  bool compatible_;
  bool composes_;
};

}  // namespace

std::unique_ptr<Normalizer> make_unicode_form(UnicodeForm form) {
  return std::make_unique<FormNormalizer>(form);
}

}  // namespace emberline
