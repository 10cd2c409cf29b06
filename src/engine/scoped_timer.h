// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>

namespace emberline {

// Adds the time of its scope to a counter.
class ScopedTimer {
 public:
  explicit ScopedTimer(int64_t& nanoseconds) : nanoseconds_(nanoseconds), start_(Clock::now()) {}
  ~ScopedTimer() { nanoseconds_ += std::chrono::nanoseconds(Clock::now() - start_).count(); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  int64_t& nanoseconds_;
  Clock::time_point start_;
};

}  // namespace emberline
