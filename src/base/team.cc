// SPDX-License-Identifier: Apache-2.0
#include "base/team.h"

#include <utility>

#include "base/parallel.h"

namespace emberline {
namespace {

// Looks that a waiting thread takes before it lets others run: some tens of microseconds.
constexpr int kLooks = 2000;

void rest_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <typename Condition>
void wait_until(const Condition& condition) {
  while (true) {
    for (int i = 0; i < kLooks; ++i) {
      if (condition()) return;
      rest_briefly();
    }
    std::this_thread::yield();
  }
}

}  // namespace

Team::Team(int64_t num_members) {
  const SignalsBlocked blocked;
  for (int64_t member = 1; member < num_members; ++member) {
    try {
      threads_.emplace_back([this, member] { serve(member); });
    } catch (const std::exception&) {
      return;  // a limit on threads makes the work slower, not wrong
    }
  }
}

Team::~Team() {
  work_ = nullptr;
  round_.fetch_add(1, std::memory_order_release);
  for (std::thread& thread : threads_) thread.join();
}

void Team::run(const Work& work) {
  work_ = &work;
  working_.store(static_cast<int64_t>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  work_as(0);
  wait_until([this] { return working_.load(std::memory_order_acquire) == 0; });
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Team::serve(int64_t member) {
  for (int64_t round = 1;; ++round) {
    wait_until([&] { return round_.load(std::memory_order_acquire) >= round; });
    if (work_ == nullptr) return;
    work_as(member);
    working_.fetch_sub(1, std::memory_order_release);
  }
}

void Team::work_as(int64_t member) {
  try {
    (*work_)(member);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (failure_ == nullptr) failure_ = std::current_exception();
  }
}

}  // namespace emberline
