// SPDX-License-Identifier: Apache-2.0
#include "text/regex_set_parser.h"

#include <iterator>
#include <utility>

#include "text/unicode.h"

namespace emberline {
namespace {

// In the order of unicode::category.
constexpr const char* kCategories[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                       "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                       "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

class SetParser {
 public:
  explicit SetParser(RegexReader& reader) : reader_(reader) {}

  // Behind "[".
  CharacterSet parse_set(int depth) {
    if (depth > kMostDepth) reader_.refuse("sets that are too deep");
    CharacterSet set;
    set.negated = reader_.take("^");
    if (reader_.looking_at("]")) reader_.refuse("an empty set");
    while (!reader_.take("]")) {
      if (reader_.take("&&")) {
        set.also.push_back(parse_rest_of_set(depth + 1));
        break;
      }
      if (reader_.looking_at("[:")) reader_.refuse("a named set");
      if (reader_.take("[")) {
        set.nested.push_back(parse_set(depth + 1));
        continue;
      }
      add_item(set);
    }
    return set;
  }

  // Behind the backslash.
  CharacterSet parse_escape() {
    CharacterSet set;
    const char32_t c = reader_.next();
    switch (c) {
      case 's':
      case 'S':
        set.white_space = true;
        set.negated = c == 'S';
        return set;
      case 'd':
      case 'D':
        set.categories = categories_of("Nd");
        set.negated = c == 'D';
        return set;
      case 'w':
      case 'W':
        set.properties = unicode::kPatternWord;
        set.negated = c == 'W';
        return set;
      case 'p':
      case 'P': return parse_property(c == 'P');
      default: break;
    }
    const char32_t literal = literal_of(c);
    set.ranges = {{literal, literal}};
    return set;
  }

 private:
  // What stands behind && is a set of its own, which ends with the one around it.
  CharacterSet parse_rest_of_set(int depth) {
    if (depth > kMostDepth) reader_.refuse("sets that are too deep");
    CharacterSet set;
    if (reader_.looking_at("]") || reader_.looking_at("^")) {
      reader_.refuse("a set that is empty or negated behind &&");
    }
    while (!reader_.take("]")) {
      if (reader_.take("&&")) {
        set.also.push_back(parse_rest_of_set(depth + 1));
        break;
      }
      if (reader_.take("[")) {
        set.nested.push_back(parse_set(depth + 1));
        continue;
      }
      add_item(set);
    }
    return set;
  }

  void add_item(CharacterSet& set) {
    char32_t first = 0;
    if (reader_.take("\\")) {
      CharacterSet escape = parse_escape();
      if (!is_one(escape)) {
        set.nested.push_back(std::move(escape));
        return;
      }
      first = escape.ranges[0].first;
    } else {
      first = reader_.next();
    }
    char32_t last = first;
    const bool is_range =
        reader_.looking_at("-") && !reader_.looking_at("-]") && !reader_.looking_at("-[") && !reader_.looking_at("-&&");
    if (is_range) {
      reader_.take("-");
      if (reader_.take("\\")) {
        const CharacterSet escape = parse_escape();
        if (!is_one(escape)) reader_.refuse("a range without an end");
        last = escape.ranges[0].first;
      } else {
        last = reader_.next();
      }
      if (last < first) reader_.refuse("a range that ends before it begins");
    }
    set.ranges.push_back({first, last});
  }

  static bool is_one(const CharacterSet& set) { return set.ranges.size() == 1 && !set.negated; }

  char32_t literal_of(char32_t c) {
    switch (c) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'f': return '\f';
      case 'v': return '\v';
      case 'a': return '\a';
      case 'e': return 0x1B;
      case 'x': return reader_.take("{") ? parse_hex(1, 6, "}") : parse_byte();
      case 'u': return parse_hex(4, 4, "");
      default: break;
    }
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 128;
    if (is_letter) reader_.refuse("a backslash with another character than those known");
    return c;
  }

  // From 0x80 on it would be one byte of a character, and the reference puts several together.
  char32_t parse_byte() {
    const char32_t value = parse_hex(2, 2, "");
    if (value >= 0x80) reader_.refuse("\\x with a byte that is no character");
    return value;
  }

  char32_t parse_hex(size_t least, size_t most, std::string_view closing) {
    uint32_t value = 0;
    size_t count = 0;
    for (; count < most; ++count) {
      const std::optional<char> digit = reader_.take_if(
          [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
      if (!digit) break;
      value = value * 16 + static_cast<uint32_t>(*digit <= '9' ? *digit - '0' : (*digit | 0x20) - 'a' + 10);
    }
    const bool is_scalar = value <= unicode::kMaxCodePoint && (value < 0xD800 || value > 0xDFFF);
    if (count < least || !reader_.take(closing) || !is_scalar) {
      reader_.refuse("hexadecimal digits that name no character");
    }
    return value;
  }

  CharacterSet parse_property(bool negated) {
    if (!reader_.take("{")) reader_.refuse("\\p without {");
    CharacterSet set;
    set.negated = negated != reader_.take("^");
    const std::optional<std::string_view> name = reader_.take_up_to('}');
    if (!name) reader_.refuse("\\p{ without }");
    if (*name == "Han") {
      set.properties = unicode::kHan;
    } else {
      set.categories = categories_of(*name);
    }
    return set;
  }

  uint32_t categories_of(std::string_view name) const {
    uint32_t bits = 0;
    for (size_t i = 0; i < std::size(kCategories); ++i) {
      const std::string_view category = kCategories[i];
      const bool is_meant = name.size() == 1 ? category[0] == name[0] : category == name;
      if (is_meant) bits |= 1U << i;
    }
    if (bits == 0) reader_.refuse("\\p{" + std::string(name) + "}, which is no general category,");
    return bits;
  }

  RegexReader& reader_;
};

}  // namespace

CharacterSet parse_bracketed_set(RegexReader& reader) {
  return SetParser(reader).parse_set(0);
}

CharacterSet parse_escape(RegexReader& reader) {
  return SetParser(reader).parse_escape();
}

}  // namespace emberline
