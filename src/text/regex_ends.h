// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the ways of a regular expression's program through one text are known to end.
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace emberline {

// What comes of a way from a meeting of the program and a place in the text depends on those two alone, so that a way
// that comes there again need not be followed. Places are bytes of the text. For one thread.
class RegexEnds {
 public:
  static constexpr size_t kUnknown = SIZE_MAX;
  static constexpr size_t kNone = SIZE_MAX - 1;  // no way from there ends

  RegexEnds(size_t text_size, size_t num_meetings);

  // Where the first way ends, kNone or kUnknown.
  size_t find(size_t meeting, size_t place) const {
    const auto& block = blocks_[place / kBlock];
    const uint32_t kept = block ? block[index(meeting, place)] : 0;
    if (kept < kFirstDistance) return kept == 0 ? kUnknown : kNone;
    return place + (kept - kFirstDistance);
  }
  // `end` is kNone, or not before `place`. Throws Error(kOutOfMemory) where there is too much to keep.
  void keep(size_t meeting, size_t place, size_t end);

 private:
  static constexpr size_t kBlock = 64;  // places
  static constexpr uint32_t kFirstDistance = 2;

  size_t index(size_t meeting, size_t place) const { return place % kBlock * num_meetings_ + meeting; }

  size_t num_meetings_;
  size_t num_bytes_ = 0;
  // [num_blocks] of [kBlock, num_meetings], or null: 0 if unknown, 1 if none, else kFirstDistance + end - place
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
};

}  // namespace emberline
