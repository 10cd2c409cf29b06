// SPDX-License-Identifier: Apache-2.0
#include "text/regex.h"

#include <algorithm>

#include "text/regex_program.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Instruction = RegexInstruction;
using Kind = Instruction::Kind;

// A way that was not taken yet.
struct Way {
  size_t instruction;
  const char* place;
};

class Matcher {
 public:
  Matcher(const RegexProgram& program, std::string_view text)
      : program_(program), text_(text), end_(text.data() + text.size()) {}

  // Where the first way from `instruction` and `place` ends, or null.
  const char* run(size_t instruction, const char* place) {
    const size_t bottom = ways_.size();
    ways_.push_back({instruction, place});
    while (ways_.size() > bottom) {
      const Way way = ways_.back();
      ways_.pop_back();
      if (const char* const end = follow(way)) {
        ways_.resize(bottom);
        return end;
      }
    }
    return nullptr;
  }

 private:
  const char* follow(Way way) {
    const auto relative = [&](int32_t distance) {
      return static_cast<size_t>(static_cast<int64_t>(way.instruction) + distance);
    };
    for (;;) {
      const Instruction& instruction = program_.code[way.instruction];
      switch (instruction.kind) {
        case Kind::kDone: return way.place;
        case Kind::kSet:
          if (way.place == end_ || !program_.sets[instruction.value].has(utf8::decode(way.place))) return nullptr;
          ++way.instruction;
          break;
        case Kind::kSplit:
          ways_.push_back({relative(instruction.second), way.place});
          way.instruction = relative(instruction.first);
          break;
        case Kind::kJump: way.instruction = relative(instruction.first); break;
        case Kind::kLineStart:
          if (way.place != text_.data() && (way.place == end_ || way.place[-1] != '\n')) return nullptr;
          ++way.instruction;
          break;
        case Kind::kLineEnd:
          if (way.place != end_ && *way.place != '\n') return nullptr;
          ++way.instruction;
          break;
        case Kind::kAtomic: {
          const char* const end = run(way.instruction + 1, way.place);
          if (end == nullptr) return nullptr;
          way = {relative(instruction.second), end};
          break;
        }
        case Kind::kAhead:
        case Kind::kBehind: {
          const bool is_behind = instruction.kind == Kind::kBehind;
          const char* const start = is_behind ? back(way.place, instruction.first) : way.place;
          const bool is_too_early = is_behind && start == nullptr;
          const bool matches = !is_too_early && run(way.instruction + 1, start) != nullptr;
          if (matches != (instruction.value != 0)) return nullptr;
          way.instruction = relative(instruction.second);
          break;
        }
      }
    }
  }

  // The place `count` characters before `place`, or null.
  const char* back(const char* place, int32_t count) const {
    for (; count > 0; --count) {
      if (place == text_.data()) return nullptr;
      do --place;
      while ((static_cast<uint8_t>(*place) & 0xC0) == 0x80);
    }
    return place;
  }

  const RegexProgram& program_;
  std::string_view text_;
  const char* end_;
  std::vector<Way> ways_;
};

}  // namespace

struct Regex::Program {
  RegexProgram program;
};

Regex::Regex(std::string_view pattern, std::string_view place)
    : program_(std::make_unique<const Program>(Program{parse_regex(pattern, place)})) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

bool Regex::find(std::string_view text, size_t from, Match& match) const {
  Matcher matcher(program_->program, text);
  while (from < text.size()) {
    const char* place = text.data() + from;
    if (const char* const end = matcher.run(0, place)) {
      match = {from, static_cast<size_t>(end - text.data())};
      return true;
    }
    utf8::decode(place);
    from = static_cast<size_t>(place - text.data());
  }
  return false;
}

bool CharacterSet::looked_up(char32_t c) const {
  const uint8_t category = unicode::category(c);
  bool found = (categories >> (category & unicode::kCategoryMask) & 1) != 0 || (properties & category) != 0 ||
               (white_space && (unicode::traits(c) & unicode::kPatternSpace) != 0);
  found = found || std::any_of(ranges.begin(), ranges.end(),
                               [&](const Range& range) { return c >= range.first && c <= range.last; });
  found = found || std::any_of(nested.begin(), nested.end(), [&](const CharacterSet& set) { return set.has(c); });
  found = found && std::all_of(also.begin(), also.end(), [&](const CharacterSet& set) { return set.has(c); });
  return found != negated;
}

void CharacterSet::finish() {
  for (char32_t c = 0; c < 128; ++c) ascii[c] = looked_up(c);
  finished_ = true;
}

}  // namespace emberline
