// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace emberline {

int64_t allowed_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (::sched_getaffinity(0, sizeof(cpus), &cpus) == 0) return std::max(1, CPU_COUNT(&cpus));
  return std::max<int64_t>(1, std::thread::hardware_concurrency());
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

namespace {

// Up to `count` threads; those that there are do all of the work.
std::vector<std::thread> start_threads(int64_t count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  const SignalsBlocked blocked;
  while (static_cast<int64_t>(threads.size()) < count) {
    try {
      threads.emplace_back(work);
    } catch (const std::exception&) {
      return threads;
    }
  }
  return threads;
}

}  // namespace

void run_parallel(int64_t count, int64_t num_threads, const std::function<void(int64_t)>& body) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;  // the first one
  const auto work = [&] {
    for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        body(i);
      } catch (...) {
        next.store(count);
        const std::lock_guard lock(mutex);
        if (failure == nullptr) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads = start_threads(std::min(num_threads, count) - 1, work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace emberline
