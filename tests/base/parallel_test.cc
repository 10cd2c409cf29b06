// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace emberline {
namespace {

TEST(RunParallel, SomeWorkIsDoneTwiceOrNever) {
  for (const int64_t threads : {0, 1, 2, 7}) {
    for (const int64_t count : {0, 1, 5, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
      run_parallel(count, threads, [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
      for (const std::atomic<int>& times : calls) EXPECT_EQ(times.load(), 1);
    }
  }
}

TEST(RunParallel, ExceptionIsLostOrEndsTheProcess) {
  std::atomic<int64_t> calls{0};
  const auto body = [&](int64_t i) {
    ++calls;
    if (i == 3) throw std::runtime_error("the third");
  };
  EXPECT_THROW(run_parallel(100000, 4, body), std::runtime_error);
  EXPECT_LT(calls.load(), 100000);
}

TEST(AllowedCpus, NoneIsLeft) {
  EXPECT_GE(allowed_cpus(), 1);
}

}  // namespace
}  // namespace emberline
