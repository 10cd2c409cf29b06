// SPDX-License-Identifier: Apache-2.0
#pragma once
// A regular expression as it is read, from the first byte to the last.
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/utf8.h"

namespace emberline {

inline constexpr int kMostDepth = 100;  // of groups, and of sets

// `pattern`, well-formed UTF-8, and `place`, which names it in messages, must outlive it.
class RegexReader {
 public:
  RegexReader(std::string_view pattern, std::string_view place) : pattern_(pattern), place_(place) {}

  bool at_end() const { return at_ == pattern_.size(); }
  bool looking_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!looking_at(text)) return false;
    at_ += text.size();
    return true;
  }
  // The next byte, where `holds` for it.
  template <typename Holds>
  std::optional<char> take_if(const Holds& holds) {
    if (at_end() || !holds(pattern_[at_])) return std::nullopt;
    return pattern_[at_++];
  }
  // What stands before the next `closing`, which is taken as well; nothing is taken where there is none.
  std::optional<std::string_view> take_up_to(char closing) {
    const size_t end = pattern_.find(closing, at_);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view before = pattern_.substr(at_, end - at_);
    at_ = end + 1;
    return before;
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

 private:
  std::string_view pattern_;
  std::string_view place_;
  size_t at_ = 0;
};

}  // namespace emberline
