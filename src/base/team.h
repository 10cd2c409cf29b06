// SPDX-License-Identifier: Apache-2.0
#pragma once
// A few threads that share one short piece of work after another: the products of a layer.
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace emberline {

// The caller's thread and others, which live as long as the team and wait for work without sleeping, because the next
// piece is microseconds away: make one for a call that is short, and only where processors are free. Not shared: one
// thread gives the work.
class Team {
 public:
  // num_members - 1 threads are started, fewer where the system refuses one.
  explicit Team(int64_t num_members);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int64_t num_members() const { return static_cast<int64_t>(threads_.size()) + 1; }

  // Calls body(first, end, member) for parts of [0, count), whose bounds are multiples of `granule` but for the last:
  // at most one part a member, on its own thread, members counted from 0, the caller's. Returns when all have ended;
  // throws what the first failing part threw.
  template <typename Body>
  void share(int64_t count, int64_t granule, const Body& body) {
    if (threads_.empty() || count <= granule) {
      if (count > 0) body(int64_t{0}, count, int64_t{0});
      return;
    }
    run([&](int64_t member) {
      const int64_t granules = (count + granule - 1) / granule;
      const int64_t first = granules * member / num_members() * granule;
      const int64_t end = granules * (member + 1) / num_members() * granule;
      if (first < end) body(first, end < count ? end : count, member);
    });
  }

 private:
  using Work = std::function<void(int64_t)>;
  void run(const Work& work);
  void serve(int64_t member);
  void work_as(int64_t member);

  const Work* work_ = nullptr;       // of this round; null ends the team
  std::atomic<int64_t> round_{0};    // counts pieces of work
  std::atomic<int64_t> working_{0};  // members that have not ended theirs
  std::mutex mutex_;                 // guards failure_
  std::exception_ptr failure_;       // the first of a round
  std::vector<std::thread> threads_;
};

}  // namespace emberline
