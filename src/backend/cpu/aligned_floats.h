// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory for floats: aligned to a cache line, not initialised, in large pages where it is large.
#include <cstdint>

#include "backend/backend.h"

namespace emberline::cpu {

// a * b, or Error(kOutOfMemory) where that is negative or overflows; `what` names the thing in the message.
int64_t checked_product(int64_t a, int64_t b, const char* what);

constexpr int64_t round_up(int64_t value, int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

class AlignedFloats final : public Buffer {
 public:
  AlignedFloats() = default;
  // Throws Error(kOutOfMemory).
  explicit AlignedFloats(int64_t floats);
  ~AlignedFloats() override;
  AlignedFloats(AlignedFloats&& other) noexcept;
  AlignedFloats& operator=(AlignedFloats&& other) noexcept;
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;

  // At least `floats` of them; what was in a smaller buffer is lost.
  float* reserve(int64_t floats);
};

// A [rows, cols] matrix in `memory`, which grows for it; its contents are undefined.
MatrixView reserve_matrix(AlignedFloats& memory, int64_t rows, int64_t cols);

}  // namespace emberline::cpu
