// SPDX-License-Identifier: Apache-2.0
#pragma once
// Processor time of the calling thread: other processes on the machine do not count in it.
#include <time.h>

namespace emberline {

inline double thread_seconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace emberline
