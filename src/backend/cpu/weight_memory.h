// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory of all packed weights of a backend, cut from a few large pieces: matrices of a megabyte each would lie in
// small pages, and streaming them would wait for address translation.
#include <cstdint>
#include <mutex>
#include <vector>

#include "backend/cpu/aligned_floats.h"

namespace emberline::cpu {

// What it hands out lives as long as the object. Safe from many threads.
class WeightMemory {
 public:
  // Aligned to a cache line, not initialised. Throws Error(kOutOfMemory).
  float* take(int64_t floats);

 private:
  std::mutex mutex_;
  std::vector<AlignedFloats> pieces_;
  int64_t used_ = 0;  // floats of the last piece
};

}  // namespace emberline::cpu
