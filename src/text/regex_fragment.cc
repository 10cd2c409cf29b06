// SPDX-License-Identifier: Apache-2.0
#include "text/regex_fragment.h"

#include <algorithm>

namespace emberline {
namespace {

using Kind = RegexInstruction::Kind;

int32_t distance(size_t count) {
  return static_cast<int32_t>(count);
}

}  // namespace

void append(std::vector<RegexInstruction>& code, const std::vector<RegexInstruction>& more) {
  code.insert(code.end(), more.begin(), more.end());
}

RegexFragment joined(RegexFragment a, const RegexFragment& b) {
  append(a.code, b.code);
  a.least += b.least;
  a.exact = a.exact && b.exact ? std::optional(*a.exact + *b.exact) : std::nullopt;
  return a;
}

RegexFragment either(const RegexFragment& a, const RegexFragment& b) {
  RegexFragment both;
  both.code = {{Kind::kSplit, 0, 1, distance(a.code.size()) + 2}};
  append(both.code, a.code);
  both.code.push_back({Kind::kJump, 0, distance(b.code.size()) + 1, 0});
  append(both.code, b.code);
  both.least = std::min(a.least, b.least);
  both.exact = a.exact == b.exact ? a.exact : std::nullopt;
  return both;
}

RegexFragment looked(Kind kind, const RegexFragment& inside, uint32_t value) {
  RegexFragment fragment;
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

}  // namespace emberline
