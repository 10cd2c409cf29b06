// SPDX-License-Identifier: Apache-2.0
#include "text/regex_ends.h"

#include "base/error.h"

namespace emberline {
namespace {

constexpr size_t kMostBytes = size_t{256} << 20;

}  // namespace

RegexEnds::RegexEnds(size_t text_size, size_t num_meetings)
    : num_meetings_(num_meetings), blocks_(text_size / kBlock + 1) {}

void RegexEnds::keep(size_t meeting, size_t place, size_t end) {
  auto& block = blocks_[place / kBlock];
  if (block == nullptr) {
    num_bytes_ += kBlock * num_meetings_ * sizeof(uint32_t);
    check(
        num_bytes_ <= kMostBytes, Code::kOutOfMemory,
        "regular expression: its ways through a text at {} meetings take more than {} MiB, expected a shorter text or "
        "a pattern with less to choose from",
        num_meetings_, kMostBytes >> 20);
    block = std::make_unique<uint32_t[]>(kBlock * num_meetings_);
  }
  if (end != kNone && end - place > UINT32_MAX - kFirstDistance) return;
  block[index(meeting, place)] = end == kNone ? 1 : static_cast<uint32_t>(end - place) + kFirstDistance;
}

}  // namespace emberline
