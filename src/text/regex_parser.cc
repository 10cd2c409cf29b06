// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "text/regex_fragment.h"
#include "text/regex_program.h"
#include "text/regex_reader.h"
#include "text/regex_set_parser.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Instruction = RegexInstruction;
using Kind = Instruction::Kind;

constexpr size_t kMostInstructions = 20000;
constexpr int64_t kMostRepeats = 1000;
constexpr int64_t kNoLimit = -1;

using Fragment = RegexFragment;

class Parser {
 public:
  Parser(std::string_view pattern, std::string_view place)
      : pattern_(pattern), place_(place), reader_(pattern, place) {}

  RegexProgram parse() {
    check(utf8::valid_prefix(pattern_) == pattern_.size(), Code::kUnsupported, "{}: pattern is no UTF-8", place_);
    Fragment whole = parse_alternatives(0);
    if (!reader_.at_end()) reader_.refuse("a ) without (");
    check(whole.least > 0, Code::kUnsupported, "{}: pattern \"{}\" can match nothing, expected one that takes text",
          place_, pattern_);
    program_.code = std::move(whole.code);
    program_.code.push_back({Kind::kDone, 0, 0, 0});
    number_meetings(program_);
    for (CharacterSet& set : program_.sets) set.finish();
    return std::move(program_);
  }

 private:
  Fragment parse_alternatives(int depth) {
    if (depth > kMostDepth) reader_.refuse("groups that are too deep");
    Fragment fragment = parse_sequence(depth);
    while (reader_.take("|")) {
      behind_letter_ = 0;
      fragment = either(fragment, parse_sequence(depth));
      check_size(fragment);
    }
    return fragment;
  }

  Fragment parse_sequence(int depth) {
    Fragment fragment;
    while (!reader_.at_end() && !reader_.looking_at("|") && !reader_.looking_at(")")) {
      fragment = joined(std::move(fragment), parse_repeated(depth));
      check_size(fragment);
    }
    return fragment;
  }

  void check_size(const Fragment& fragment) const {
    if (fragment.code.size() > kMostInstructions) reader_.refuse("more than fits");
  }

  Fragment parse_repeated(int depth) {
    Fragment fragment = parse_atom(depth);
    bool behind_repeat = false;
    bool behind_interval = false;
    for (;;) {
      int64_t least = 0;
      int64_t most = 0;
      bool is_interval = false;
      const bool is_plus = reader_.looking_at("+");
      if (!parse_quantifier(least, most, is_interval)) return fragment;
      // In this syntax a + behind an interval repeats it, while it makes the others possessive.
      const bool stacks = behind_interval && is_plus;
      if (fragment.least == 0 || (behind_repeat && !stacks))
        reader_.refuse("a repeat of what may take no text, or of a repeat,");
      const bool is_lazy = reader_.take("?");
      if (is_lazy && is_interval && least == most) reader_.refuse("a ? behind {n}");
      const bool is_possessive = !is_lazy && !is_interval && reader_.take("+");
      fragment = repeated(fragment, least, most, is_lazy);
      if (is_possessive) fragment = looked(Kind::kAtomic, fragment, 1);
      check_size(fragment);
      behind_repeat = true;
      behind_interval = is_interval;
    }
  }

  bool parse_quantifier(int64_t& least, int64_t& most, bool& is_interval) {
    if (reader_.take("?")) {
      least = 0, most = 1;
    } else if (reader_.take("*")) {
      least = 0, most = kNoLimit;
    } else if (reader_.take("+")) {
      least = 1, most = kNoLimit;
    } else if (reader_.take("{")) {
      is_interval = true;
      if (reader_.looking_at(",}")) reader_.refuse("an interval that is none");
      least = reader_.looking_at(",") ? 0 : parse_number();
      most = least;
      if (reader_.take(",")) most = reader_.looking_at("}") ? kNoLimit : parse_number();
      if (!reader_.take("}") || (most != kNoLimit && most < least) || most == 0)
        reader_.refuse("an interval that is none");
    } else {
      return false;
    }
    return true;
  }

  int64_t parse_number() {
    int64_t number = 0;
    bool any = false;
    while (const std::optional<char> digit = reader_.take_if([](char c) { return c >= '0' && c <= '9'; })) {
      number = std::min(10 * number + (*digit - '0'), kMostRepeats + 1);
      any = true;
    }
    if (!any) reader_.refuse("an interval that is none");
    if (number > kMostRepeats) reader_.refuse("too many repeats");
    return number;
  }

  Fragment repeated(const Fragment& one, int64_t least, int64_t most, bool is_lazy) const {
    Fragment all;
    for (int64_t i = 0; i < least; ++i) {
      all = joined(std::move(all), one);
      check_size(all);
    }
    const auto length = static_cast<int32_t>(one.code.size());
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

  Fragment parse_atom(int depth) {
    if (reader_.take("(")) return parse_group(depth);
    if (reader_.take("^")) return {{{Kind::kLineStart, 0, 0, 0}}};
    if (reader_.take("$")) return {{{Kind::kLineEnd, 0, 0, 0}}};
    CharacterSet set;
    if (reader_.take("[")) {
      set = parse_bracketed_set(reader_);
    } else if (reader_.take(".")) {
      set.negated = true;
      set.ranges = {{'\n', '\n'}};
    } else if (reader_.take("\\")) {
      set = parse_escape(reader_);
    } else {
      if (reader_.looking_at("?") || reader_.looking_at("*") || reader_.looking_at("+") || reader_.looking_at("{"))
        reader_.refuse("a repeat of nothing");
      const char32_t c = reader_.next();
      set.ranges = {{c, c}};
    }
    if (ignores_case_) {
      add_other_case(set);
    } else {
      behind_letter_ = 0;
    }
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
      if (!is_plain || range.last >= 128) reader_.refuse("case that does not count for other than ASCII characters");
      for (char32_t c = range.first; c <= range.last; ++c) {
        lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
        if (lower < 'a' || lower > 'z') continue;
        others.push_back({lower, lower});
        others.push_back({lower - 32, lower - 32});
        if (lower == 's') others.push_back({0x17F, 0x17F});
        if (lower == 'k') others.push_back({0x212A, 0x212A});
      }
    }
    if (!is_plain) reader_.refuse("case that does not count for other than ASCII characters");
    set.ranges.insert(set.ranges.end(), others.begin(), others.end());
    // Pairs that one character stands for when case does not count.
    for (const char* pair : {"ss", "st", "ff", "fi", "fl"}) {
      if (behind_letter_ == static_cast<char32_t>(pair[0]) && lower == static_cast<char32_t>(pair[1])) {
        reader_.refuse("letters that one character stands for where case does not count");
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
    for (const Opening& opening : kOpenings) {
      if (!reader_.take(opening.text)) continue;
      Fragment inside = parse_inside(depth);
      if (opening.kind == Kind::kBehind && !inside.exact) reader_.refuse("a lookbehind of no fixed length");
      return looked(opening.kind, inside, opening.value);
    }
    if (reader_.take("?i:")) {
      ignores_case_ = true;
    } else if (!reader_.take("?:") && reader_.looking_at("?")) {
      reader_.refuse("a group of another kind than ?: ?i: ?= ?! ?<= ?<! ?>");
    }
    Fragment inside = parse_inside(depth);
    ignores_case_ = before;
    return inside;
  }

  Fragment parse_inside(int depth) {
    Fragment inside = parse_alternatives(depth + 1);
    if (!reader_.take(")")) reader_.refuse("a ( without )");
    return inside;
  }

  std::string_view pattern_;
  std::string_view place_;
  RegexReader reader_;
  bool ignores_case_ = false;
  // The letter before, where case does not count. Groups do not part it from the next: the reference joins the
  // literals of (?:s)s.
  char32_t behind_letter_ = 0;
  RegexProgram program_;
};

}  // namespace

RegexProgram parse_regex(std::string_view pattern, std::string_view place) {
  return Parser(pattern, place).parse();
}

}  // namespace emberline
