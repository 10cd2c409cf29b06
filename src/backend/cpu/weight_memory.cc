// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/weight_memory.h"

#include <algorithm>

namespace emberline::cpu {
namespace {

constexpr int64_t kPieceFloats = int64_t{8} << 20;  // pages of a piece that nothing touches cost no memory
constexpr int64_t kLineFloats = 16;

}  // namespace

float* WeightMemory::take(int64_t floats) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t lines = floats / kLineFloats + 1;
  if (pieces_.empty() || lines * kLineFloats > pieces_.back().size() - used_) {
    pieces_.emplace_back(std::max(kPieceFloats, lines * kLineFloats));
    used_ = 0;
  }
  float* taken = pieces_.back().data() + used_;
  used_ += lines * kLineFloats;
  return taken;
}

}  // namespace emberline::cpu
