// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "text/regex_program.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Instruction = RegexInstruction;
using Kind = Instruction::Kind;

constexpr size_t kMostInstructions = 20000;
constexpr int kMostDepth = 100;
constexpr int64_t kMostRepeats = 1000;
constexpr int64_t kNoLimit = -1;

// In the order of unicode::category.
constexpr const char* kCategories[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                       "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                       "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

using Instructions = std::vector<Instruction>;

struct Fragment {
  Instructions code;
  size_t least = 0;                 // characters that it takes
  std::optional<size_t> exact = 0;  // if it always takes as many
};

int32_t distance(size_t count) {
  return static_cast<int32_t>(count);
}

void append(Instructions& code, const Instructions& more) {
  code.insert(code.end(), more.begin(), more.end());
}

Fragment joined(Fragment a, const Fragment& b) {
  append(a.code, b.code);
  a.least += b.least;
  a.exact = a.exact && b.exact ? std::optional(*a.exact + *b.exact) : std::nullopt;
  return a;
}

Fragment either(const Fragment& a, const Fragment& b) {
  Fragment both;
  both.code = {{Kind::kSplit, 0, 1, distance(a.code.size()) + 2}};
  append(both.code, a.code);
  both.code.push_back({Kind::kJump, 0, distance(b.code.size()) + 1, 0});
  append(both.code, b.code);
  both.least = std::min(a.least, b.least);
  both.exact = a.exact == b.exact ? a.exact : std::nullopt;
  return both;
}

class Parser {
 public:
  Parser(std::string_view pattern, std::string_view place) : pattern_(pattern), place_(place) {}

  RegexProgram parse() {
    check(utf8::valid_prefix(pattern_) == pattern_.size(), Code::kUnsupported, "{}: pattern is no UTF-8", place_);
    Fragment whole = parse_alternatives(0);
    if (!at_end()) refuse("a ) without (");
    check(whole.least > 0, Code::kUnsupported, "{}: pattern \"{}\" can match nothing, expected one that takes text",
          place_, pattern_);
    program_.code = std::move(whole.code);
    program_.code.push_back({Kind::kDone, 0, 0, 0});
    for (CharacterSet& set : program_.sets) set.finish();
    return std::move(program_);
  }

 private:
  bool at_end() const { return at_ == pattern_.size(); }
  bool looking_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!looking_at(text)) return false;
    at_ += text.size();
    return true;
  }
  char32_t next() {
    if (at_end()) refuse("its end");
    const char* p = pattern_.data() + at_;
    const char32_t c = utf8::decode(p);
    at_ = static_cast<size_t>(p - pattern_.data());
    return c;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    fail(Code::kUnsupported, "{}: pattern \"{}\" is not supported: {} before byte {}", place_, pattern_, what, at_);
  }

  Fragment parse_alternatives(int depth) {
    if (depth > kMostDepth) refuse("groups that are too deep");
    Fragment fragment = parse_sequence(depth);
    while (take("|")) {
      // The rest is one alternative: what is tried last needs no jump behind it.
      Fragment rest = parse_sequence(depth);
      fragment = either(fragment, rest);
      check_size(fragment);
    }
    return fragment;
  }

  Fragment parse_sequence(int depth) {
    Fragment fragment;
    while (!at_end() && !looking_at("|") && !looking_at(")")) {
      fragment = joined(std::move(fragment), parse_repeated(depth));
      check_size(fragment);
    }
    return fragment;
  }

  void check_size(const Fragment& fragment) const {
    if (fragment.code.size() > kMostInstructions) refuse("more than fits");
  }

  Fragment parse_repeated(int depth) {
    Fragment fragment = parse_atom(depth);
    bool behind_repeat = false;
    bool behind_interval = false;
    for (;;) {
      int64_t least = 0;
      int64_t most = 0;
      bool is_interval = false;
      const bool is_plus = looking_at("+");
      if (!parse_quantifier(least, most, is_interval)) return fragment;
      // In this syntax a + behind an interval repeats it, while it makes the others possessive.
      const bool stacks = behind_interval && is_plus;
      if (fragment.least == 0 || (behind_repeat && !stacks))
        refuse("a repeat of what may take no text, or of a repeat,");
      const bool is_lazy = take("?");
      if (is_lazy && is_interval && least == most) refuse("a ? behind {n}");
      const bool is_possessive = !is_lazy && !is_interval && take("+");
      fragment = repeated(fragment, least, most, is_lazy);
      if (is_possessive) fragment = looked(Kind::kAtomic, std::move(fragment), 1);
      check_size(fragment);
      behind_repeat = true;
      behind_interval = is_interval;
    }
  }

  bool parse_quantifier(int64_t& least, int64_t& most, bool& is_interval) {
    if (take("?")) {
      least = 0, most = 1;
    } else if (take("*")) {
      least = 0, most = kNoLimit;
    } else if (take("+")) {
      least = 1, most = kNoLimit;
    } else if (take("{")) {
      is_interval = true;
      least = looking_at(",") ? 0 : parse_number();
      most = least;
      if (take(",")) most = looking_at("}") ? kNoLimit : parse_number();
      if (!take("}") || (most != kNoLimit && most < least) || most == 0) refuse("an interval that is none");
    } else {
      return false;
    }
    return true;
  }

  int64_t parse_number() {
    int64_t number = 0;
    if (at_end() || pattern_[at_] < '0' || pattern_[at_] > '9') refuse("an interval that is none");
    while (!at_end() && pattern_[at_] >= '0' && pattern_[at_] <= '9') number = 10 * number + (pattern_[at_++] - '0');
    if (number > kMostRepeats) refuse("too many repeats");
    return number;
  }

  Fragment repeated(const Fragment& one, int64_t least, int64_t most, bool is_lazy) const {
    Fragment all;
    for (int64_t i = 0; i < least; ++i) {
      all = joined(std::move(all), one);
      check_size(all);
    }
    const int32_t length = distance(one.code.size());
    const auto split = [&](int32_t behind) {
      return is_lazy ? Instruction{Kind::kSplit, 0, behind, 1} : Instruction{Kind::kSplit, 0, 1, behind};
    };
    if (most == kNoLimit) {
      all.code.push_back(split(length + 2));
      append(all.code, one.code);
      all.code.push_back({Kind::kJump, 0, -(length + 1), 0});
    }
    // Each further one goes on behind all of them where it fails.
    for (int64_t left = most == kNoLimit ? 0 : most - least; left > 0; --left) {
      all.code.push_back(split(static_cast<int32_t>(left) * (length + 1)));
      append(all.code, one.code);
      check_size(all);
    }
    all.exact = most == least ? all.exact : std::nullopt;
    return all;
  }

  // `value` is 1 where the inside must match.
  static Fragment looked(Kind kind, Fragment inside, uint32_t value) {
    Fragment fragment;
    const int32_t behind = distance(inside.code.size()) + 2;
    const int32_t back = kind == Kind::kBehind ? distance(*inside.exact) : 0;
    fragment.code = {{kind, value, back, behind}};
    append(fragment.code, inside.code);
    fragment.code.push_back({Kind::kDone, 0, 0, 0});
    if (kind == Kind::kAtomic) {
      fragment.least = inside.least;
      fragment.exact = inside.exact;
    }
    return fragment;
  }

  Fragment parse_atom(int depth) {
    if (take("(")) return parse_group(depth);
    if (take("^")) return {{{Kind::kLineStart, 0, 0, 0}}};
    if (take("$")) return {{{Kind::kLineEnd, 0, 0, 0}}};
    CharacterSet set;
    if (take("[")) {
      set = parse_set(0);
    } else if (take(".")) {
      set.negated = true;
      set.ranges = {{'\n', '\n'}};
    } else if (take("\\")) {
      set = parse_escape();
    } else {
      if (looking_at("?") || looking_at("*") || looking_at("+") || looking_at("{")) refuse("a repeat of nothing");
      const char32_t c = next();
      set.ranges = {{c, c}};
    }
    if (ignores_case_) add_other_case(set);
    return one_of(std::move(set));
  }

  Fragment one_of(CharacterSet set) {
    Fragment fragment;
    fragment.code = {{Kind::kSet, static_cast<uint32_t>(program_.sets.size()), 0, 0}};
    fragment.least = 1;
    fragment.exact = 1;
    program_.sets.push_back(std::move(set));
    return fragment;
  }

  // Of ASCII characters alone: few of them are letters, and only two of those have a case that is not ASCII.
  void add_other_case(CharacterSet& set) {
    const bool is_plain = !set.negated && set.categories == 0 && set.properties == 0 && !set.white_space &&
                          set.nested.empty() && set.also.empty();
    std::vector<CharacterSet::Range> others;
    char32_t lower = 0;
    for (const CharacterSet::Range& range : set.ranges) {
      if (!is_plain || range.last >= 128) refuse("case that does not count for other than ASCII characters");
      for (char32_t c = range.first; c <= range.last; ++c) {
        lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
        if (lower < 'a' || lower > 'z') continue;
        others.push_back({lower, lower});
        others.push_back({lower - 32, lower - 32});
        if (lower == 's') others.push_back({0x17F, 0x17F});
        if (lower == 'k') others.push_back({0x212A, 0x212A});
      }
    }
    if (!is_plain) refuse("case that does not count for other than ASCII characters");
    set.ranges.insert(set.ranges.end(), others.begin(), others.end());
    // Pairs that one character stands for when case does not count.
    for (const char* pair : {"ss", "st", "ff", "fi", "fl"}) {
      if (behind_letter_ == static_cast<char32_t>(pair[0]) && lower == static_cast<char32_t>(pair[1])) {
        refuse("letters that one character stands for where case does not count");
      }
    }
    behind_letter_ = lower;
  }

  Fragment parse_group(int depth) {
    struct Opening {
      std::string_view text;
      Kind kind;
      uint32_t value;
    };
    static constexpr Opening kOpenings[] = {{"?=", Kind::kAhead, 1},
                                            {"?!", Kind::kAhead, 0},
                                            {"?<=", Kind::kBehind, 1},
                                            {"?<!", Kind::kBehind, 0},
                                            {"?>", Kind::kAtomic, 1}};
    const bool before = ignores_case_;
    behind_letter_ = 0;
    for (const Opening& opening : kOpenings) {
      if (!take(opening.text)) continue;
      Fragment inside = parse_inside(depth);
      if (opening.kind == Kind::kBehind && !inside.exact) refuse("a lookbehind of no fixed length");
      return looked(opening.kind, std::move(inside), opening.value);
    }
    if (take("?i:")) {
      ignores_case_ = true;
    } else if (!take("?:") && looking_at("?")) {
      refuse("a group of another kind than ?: ?i: ?= ?! ?<= ?<! ?>");
    }
    Fragment inside = parse_inside(depth);
    ignores_case_ = before;
    behind_letter_ = 0;
    return inside;
  }

  Fragment parse_inside(int depth) {
    Fragment inside = parse_alternatives(depth + 1);
    if (!take(")")) refuse("a ( without )");
    return inside;
  }

  // Behind "[".
  CharacterSet parse_set(int depth) {
    if (depth > kMostDepth) refuse("sets that are too deep");
    CharacterSet set;
    set.negated = take("^");
    if (looking_at("]")) refuse("an empty set");
    while (!take("]")) {
      if (take("&&")) {
        set.also.push_back(parse_rest_of_set(depth));
        break;
      }
      if (looking_at("[:")) refuse("a named set");
      if (take("[")) {
        set.nested.push_back(parse_set(depth + 1));
        continue;
      }
      add_item(set);
    }
    return set;
  }

  // What stands behind && is a set of its own, which ends with the one around it.
  CharacterSet parse_rest_of_set(int depth) {
    CharacterSet set;
    if (looking_at("]") || looking_at("^")) refuse("a set that is empty or negated behind &&");
    while (!take("]")) {
      if (take("&&")) {
        set.also.push_back(parse_rest_of_set(depth));
        break;
      }
      if (take("[")) {
        set.nested.push_back(parse_set(depth + 1));
        continue;
      }
      add_item(set);
    }
    return set;
  }

  void add_item(CharacterSet& set) {
    std::optional<char32_t> first;
    if (take("\\")) {
      CharacterSet escape = parse_escape();
      if (!is_one(escape)) {
        set.nested.push_back(std::move(escape));
        return;
      }
      first = escape.ranges[0].first;
    } else {
      first = next();
    }
    char32_t last = *first;
    if (looking_at("-") && !looking_at("-]") && !looking_at("-[") && !looking_at("-&&")) {
      take("-");
      if (take("\\")) {
        const CharacterSet escape = parse_escape();
        if (!is_one(escape)) refuse("a range without an end");
        last = escape.ranges[0].first;
      } else {
        last = next();
      }
      if (last < *first) refuse("a range that ends before it begins");
    }
    set.ranges.push_back({*first, last});
  }

  static bool is_one(const CharacterSet& set) { return set.ranges.size() == 1 && !set.negated; }

  // Behind the backslash.
  CharacterSet parse_escape() {
    CharacterSet set;
    const char32_t c = next();
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

  char32_t literal_of(char32_t c) {
    switch (c) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'f': return '\f';
      case 'v': return '\v';
      case 'a': return '\a';
      case 'e': return 0x1B;
      case 'x': return take("{") ? parse_hex(1, 6, "}") : parse_hex(2, 2, "");
      case 'u': return parse_hex(4, 4, "");
      default: break;
    }
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 128;
    if (is_letter) refuse("a backslash with another character than those known");
    return c;
  }

  char32_t parse_hex(size_t least, size_t most, std::string_view closing) {
    uint32_t value = 0;
    size_t count = 0;
    for (; count < most && !at_end(); ++count) {
      const char digit = pattern_[at_];
      const bool is_digit = digit >= '0' && digit <= '9';
      const char letter = static_cast<char>(digit | 0x20);
      if (!is_digit && (letter < 'a' || letter > 'f')) break;
      value = value * 16 + static_cast<uint32_t>(is_digit ? digit - '0' : letter - 'a' + 10);
      ++at_;
    }
    const bool is_scalar = value <= unicode::kMaxCodePoint && (value < 0xD800 || value > 0xDFFF);
    if (count < least || !take(closing) || !is_scalar) refuse("hexadecimal digits that name no character");
    return value;
  }

  CharacterSet parse_property(bool negated) {
    if (!take("{")) refuse("\\p without {");
    CharacterSet set;
    set.negated = negated != take("^");
    const size_t end = pattern_.find('}', at_);
    if (end == std::string_view::npos) refuse("\\p{ without }");
    const std::string name(pattern_.substr(at_, end - at_));
    at_ = end + 1;
    if (name == "Han") {
      set.properties = unicode::kHan;
    } else {
      set.categories = categories_of(name);
    }
    return set;
  }

  uint32_t categories_of(const std::string& name) const {
    uint32_t bits = 0;
    for (size_t i = 0; i < std::size(kCategories); ++i) {
      const std::string_view category = kCategories[i];
      const bool is_meant = name.size() == 1 ? category[0] == name[0] : category == name;
      if (is_meant) bits |= 1U << i;
    }
    if (bits == 0) refuse("\\p{" + name + "}, which is no general category,");
    return bits;
  }

  std::string_view pattern_;
  std::string_view place_;
  size_t at_ = 0;
  bool ignores_case_ = false;
  char32_t behind_letter_ = 0;  // the literal before, where case does not count
  RegexProgram program_;
};

}  // namespace

RegexProgram parse_regex(std::string_view pattern, std::string_view place) {
  return Parser(pattern, place).parse();
}

}  // namespace emberline
