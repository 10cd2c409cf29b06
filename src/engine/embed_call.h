// SPDX-License-Identifier: Apache-2.0
#pragma once
// One call of embed or rerank: the caller's thread and those it starts claim rows until none is left.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/packer.h"
#include "engine/rows.h"
#include "engine/settings.h"

namespace emberline {

// Lives for one call; everything it holds is borrowed. Workers share nothing but the atomics below, so rows finish in
// any order and a worker never waits for another. Threads are started per call and joined before run returns.
class EmbedCall {
 public:
  // `queries`, of rerank: one for each row, or one for all of them; null for embed.
  EmbedCall(const LoadedModel& model, const Settings& settings, const RowsView* queries, const RowsView& rows,
            const VectorsView& out);

  // progress is called on this thread only. Throws what a worker threw, or Error(kCancelled).
  void run(const Progress& progress, Stats& stats);

  const LoadedModel& model() const { return model_; }
  const Settings& settings() const { return settings_; }
  const RowsView& rows() const { return rows_; }
  bool is_null(int64_t row) const {
    return rows_.is_null(row) || (queries_ != nullptr && queries_->is_null(query_row(row)));
  }
  std::string_view query(int64_t row) const { return queries_->text(query_row(row)); }  // of rerank
  const VectorsView& out() const { return out_; }

  RowRange claim();  // empty when no row is left
  // Threads that share the work of each layer: more than one where the rows are too few to occupy all threads.
  int64_t threads_per_worker() const { return threads_per_worker_; }
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void add_done(int64_t rows, int64_t tokens);
  // On the calling thread, between batches: tells progress, and stops the call where it asks for that or throws.
  void report(const Progress& progress);

 private:
  int64_t query_row(int64_t row) const { return queries_->num_rows == 1 ? 0 : row; }
  int64_t remaining_cost(int64_t begin) const;
  int64_t count_workers() const;
  int64_t count_threads_per_worker() const;
  void start_threads(int64_t count, std::vector<std::thread>& threads);
  void work(const Progress* progress);
  void keep_failure(std::exception_ptr failure);
  void wait_for_threads(const Progress& progress);

  const LoadedModel& model_;
  const Settings& settings_;
  const RowsView* queries_;
  const RowsView& rows_;
  const VectorsView& out_;
  RowCost cost_;
  int64_t num_workers_ = 1;
  int64_t threads_per_worker_ = 1;

  std::atomic<int64_t> next_row_{0};
  std::atomic<int64_t> rows_done_{0};
  std::atomic<int64_t> tokens_done_{0};
  std::atomic<bool> stop_{false};
  bool cancelled_ = false;  // calling thread only
  int64_t reported_ = -1;   // rows of the last report; calling thread only

  std::mutex mutex_;  // guards what follows
  std::condition_variable thread_ended_;
  int64_t threads_running_ = 0;
  std::exception_ptr failure_;  // the first one
  Stats stats_;
};

}  // namespace emberline
