// SPDX-License-Identifier: Apache-2.0
#include "text/regex.h"

#include <limits>
#include <optional>
#include <vector>

#include "text/regex_ends.h"
#include "text/regex_program.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using Instruction = RegexInstruction;
using Kind = Instruction::Kind;

constexpr size_t kFewWays = 32;  // room for these is made at first

}  // namespace

class Regex::Search::Matcher {
  // A way that was not taken yet; or, once those above it are gone, word that none from here ends.
  struct Way {
    uint32_t instruction;
    bool is_open_meeting;
    const char* place;
  };

 public:
  Matcher(const RegexProgram& program, std::string_view text, size_t choices_a_byte)
      : program_(program), text_(text), end_(text.data() + text.size()) {
    const bool is_bounded = choices_a_byte <= std::numeric_limits<size_t>::max() / (text.size() + 1);
    free_choices_ = is_bounded ? choices_a_byte * (text.size() + 1) : std::numeric_limits<size_t>::max();
  }

  std::string_view text() const { return text_; }
  size_t num_choices() const { return num_choices_; }

  // Where the first way from `instruction` and `place` ends, or null.
  const char* run(size_t instruction, const char* place) {
    const size_t bottom = num_ways_;
    put_aside(instruction, place, false);
    while (num_ways_ > bottom) {
      const Way way = ways_[--num_ways_];
      if (way.is_open_meeting) {
        ends_->keep(meeting(way), offset(way.place), RegexEnds::kNone);
        continue;
      }
      const char* const end =
          ends_ ? follow<true>(way.instruction, way.place) : follow<false>(way.instruction, way.place);
      if (end == nullptr) continue;
      leave(bottom, end);
      return end;
    }
    return nullptr;
  }

 private:
  void put_aside(size_t instruction, const char* place, bool is_open_meeting) {
    if (num_ways_ == ways_.size()) ways_.resize(2 * num_ways_ + kFewWays);
    ways_[num_ways_++] = {static_cast<uint32_t>(instruction), is_open_meeting, place};
  }

  // Drops the ways above `bottom`. The meetings among them are those that the way to `end` came through.
  void leave(size_t bottom, const char* end) {
    for (size_t i = bottom; ends_ && i < num_ways_; ++i) {
      if (ways_[i].is_open_meeting) ends_->keep(meeting(ways_[i]), offset(ways_[i].place), offset(end));
    }
    num_ways_ = bottom;
  }

  size_t offset(const char* place) const { return static_cast<size_t>(place - text_.data()); }
  size_t meeting(const Way& way) const { return static_cast<size_t>(program_.meetings[way.instruction]); }

  // Where the one way that is tried first ends, or null; the others are put aside.
  template <bool keeps>
  const char* follow(size_t at, const char* place) {
    const auto relative = [&](int32_t distance) { return static_cast<size_t>(static_cast<int64_t>(at) + distance); };
    for (;;) {
      const Instruction& instruction = program_.code[at];
      if (keeps && program_.meetings[at] >= 0) {
        const size_t end = ends_->find(static_cast<size_t>(program_.meetings[at]), offset(place));
        if (end == RegexEnds::kNone) return nullptr;
        if (end != RegexEnds::kUnknown) return text_.data() + end;
        put_aside(at, place, true);
      }
      switch (instruction.kind) {
        case Kind::kDone: return place;
        case Kind::kSet:
          if (place == end_ || !program_.sets[instruction.value].has(utf8::decode(place))) return nullptr;
          ++at;
          break;
        case Kind::kSplit:
          if (++num_choices_ > free_choices_ && !keeps && !ends_) ends_.emplace(text_.size(), program_.num_meetings);
          put_aside(relative(instruction.second), place, false);
          at = relative(instruction.first);
          break;
        case Kind::kJump: at = relative(instruction.first); break;
        case Kind::kLineStart:
          if (place != text_.data() && (place == end_ || place[-1] != '\n')) return nullptr;
          ++at;
          break;
        case Kind::kLineEnd:
          if (place != end_ && *place != '\n') return nullptr;
          ++at;
          break;
        case Kind::kAtomic:
          place = run(at + 1, place);
          if (place == nullptr) return nullptr;
          at = relative(instruction.second);
          break;
        case Kind::kAhead:
        case Kind::kBehind: {
          const bool is_behind = instruction.kind == Kind::kBehind;
          const char* const start = is_behind ? back(place, instruction.first) : place;
          const bool is_too_early = is_behind && start == nullptr;
          const bool matches = !is_too_early && run(at + 1, start) != nullptr;
          if (matches != (instruction.value != 0)) return nullptr;
          at = relative(instruction.second);
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
  std::vector<Way> ways_;  // the first num_ways_ are there
  size_t num_ways_ = 0;
  size_t num_choices_ = 0;
  size_t free_choices_;            // so many are made before anything is kept
  std::optional<RegexEnds> ends_;  // from then on
};

Regex::Regex(std::string_view pattern, std::string_view place)
    : program_(std::make_unique<const RegexProgram>(parse_regex(pattern, place))) {}
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;

Regex::Search::Search(const Regex& regex, std::string_view text, size_t choices_a_byte)
    : matcher_(std::make_unique<Matcher>(*regex.program_, text, choices_a_byte)) {}
Regex::Search::~Search() = default;

bool Regex::Search::find(size_t from, Match& match) {
  const std::string_view text = matcher_->text();
  while (from < text.size()) {
    const char* place = text.data() + from;
    if (const char* const end = matcher_->run(0, place)) {
      match = {from, static_cast<size_t>(end - text.data())};
      return true;
    }
    utf8::decode(place);
    from = static_cast<size_t>(place - text.data());
  }
  return false;
}

size_t Regex::Search::num_choices() const {
  return matcher_->num_choices();
}

}  // namespace emberline
