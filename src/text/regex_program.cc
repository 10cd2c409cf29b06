// SPDX-License-Identifier: Apache-2.0
#include "text/regex_program.h"

namespace emberline {
namespace {

using Kind = RegexInstruction::Kind;

}  // namespace

void number_meetings(RegexProgram& program) {
  const std::vector<RegexInstruction>& code = program.code;
  std::vector<int> arrivals(code.size(), 0);
  const auto arrive = [&](size_t from, int32_t distance, int count = 1) {
    arrivals[static_cast<size_t>(static_cast<int64_t>(from) + distance)] += count;
  };
  for (size_t i = 0; i < code.size(); ++i) {
    switch (code[i].kind) {
      case Kind::kDone: break;
      case Kind::kSet:
      case Kind::kLineStart:
      case Kind::kLineEnd: arrive(i, 1); break;
      case Kind::kJump: arrive(i, code[i].first); break;
      case Kind::kSplit:
        arrive(i, code[i].first);
        arrive(i, code[i].second);
        break;
      case Kind::kAhead:
      case Kind::kBehind:
        arrive(i, 1);
        arrive(i, code[i].second);
        break;
      case Kind::kAtomic:
        arrive(i, 1);
        arrive(i, code[i].second, 2);  // inside, ways from several places may end at the same one
        break;
    }
  }
  program.meetings.assign(code.size(), -1);
  for (size_t i = 0; i < code.size(); ++i) {
    if (arrivals[i] < 2 || code[i].kind == Kind::kDone) continue;
    program.meetings[i] = static_cast<int32_t>(program.num_meetings++);
  }
}

}  // namespace emberline
