// SPDX-License-Identifier: Apache-2.0
#pragma once
// Threads that live for one piece of work.
#include <signal.h>

#include <cstdint>
#include <functional>

namespace emberline {

// CPUs that the scheduler lets this process use; containers and taskset narrow it, OMP_NUM_THREADS does not.
int64_t allowed_cpus();

// While it lives, this thread and those it starts take no signals: they belong to the caller's threads, and a worker
// that took one would run a handler of Python's or the JVM's.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// Calls body(0) .. body(count - 1), in any order, on the caller's thread and up to num_threads - 1 others; fewer where
// the system refuses one. Returns when all have ended. Throws what the first failing call threw; calls that had not
// begun by then are left out.
void run_parallel(int64_t count, int64_t num_threads, const std::function<void(int64_t)>& body);

}  // namespace emberline
