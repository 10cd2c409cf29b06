// SPDX-License-Identifier: Apache-2.0
#include "engine/embed_call.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "engine/queued_worker.h"
#include "engine/worker.h"

namespace emberline {
namespace {

// Costs are in bytes of text. A token of running text has about four.
constexpr int64_t kBytesPerToken = 4;
// What a row costs beside its text: special tokens and its own vector.
constexpr int64_t kRowConstant = 4 * kBytesPerToken;
// Text beyond max_tokens tokens of this length is cut off unread, so that it costs nothing.
constexpr int64_t kMostBytesPerToken = 8;
// Below this the weights' way through the cache costs more than a second thread gains.
constexpr int64_t kSmallestClaimTokens = 64;
// A short row's time is that of reading the weights; a further thread must save more of it than its start costs.
constexpr int64_t kWeightBytesPerThread = 12'000'000;
// Enough sequences to choose from that batches come out full, few enough that a cancel is prompt.
constexpr int64_t kBatchesPerClaim = 8;
constexpr std::chrono::milliseconds kReportEvery{50};

// Of one row's text.
int64_t most_bytes_read(const Settings& settings, const RowsView& rows) {
  if (settings.long_text != LongText::kChunk) return settings.max_tokens * kMostBytesPerToken;
  // All of it, but so that sums over rows stay in range.
  return std::numeric_limits<int64_t>::max() / std::max<int64_t>(1, rows.num_rows);
}

// Of a row's query, in the mean.
int64_t query_bytes(const RowsView* queries) {
  if (queries == nullptr || queries->num_rows == 0) return 0;
  return (queries->offsets[queries->num_rows] - queries->offsets[0]) / queries->num_rows;
}

}  // namespace

EmbedCall::EmbedCall(const LoadedModel& model, const Settings& settings, const RowsView* queries, const RowsView& rows,
                     const VectorsView& out)
    : model_(model),
      settings_(settings),
      queries_(queries),
      rows_(rows),
      out_(out),
      cost_{.max_bytes = most_bytes_read(settings, rows)} {
  cost_.constant =
      kRowConstant + static_cast<int64_t>(settings.prompt.size()) + std::min(query_bytes(queries), cost_.max_bytes);
}

void EmbedCall::run(const Progress& progress, Stats& stats) {
  if (rows_.num_rows == 0) return;
  num_workers_ = count_workers();
  threads_per_worker_ = count_threads_per_worker();
  std::vector<std::thread> threads;
  start_threads(num_workers_ - 1, threads);
  work(&progress);
  wait_for_threads(progress);
  for (std::thread& thread : threads) thread.join();
  stats = stats_;
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  const int64_t done = rows_done_.load();
  check(!cancelled_ || done == rows_.num_rows, Code::kCancelled, "{}: cancelled after {} of {} rows",
        settings_.is_rerank ? "rerank" : "embed", done, rows_.num_rows);
}

RowRange EmbedCall::claim() {
  const std::span<const int64_t> offsets(rows_.offsets, static_cast<size_t>(rows_.num_rows) + 1);
  const int64_t smallest = kSmallestClaimTokens * kBytesPerToken;
  const int64_t largest = kBatchesPerClaim * settings_.batch_tokens * kBytesPerToken;
  int64_t begin = next_row_.load(std::memory_order_relaxed);
  while (true) {
    const int64_t target = claim_cost(remaining_cost(begin), num_workers_, smallest, largest);
    const RowRange range = take_rows(offsets, begin, cost_, target);
    if (next_row_.compare_exchange_weak(begin, range.end, std::memory_order_relaxed)) return range;
  }
}

void EmbedCall::add_done(int64_t rows, int64_t tokens) {
  rows_done_.fetch_add(rows, std::memory_order_relaxed);
  tokens_done_.fetch_add(tokens, std::memory_order_relaxed);
}

void EmbedCall::report(const Progress& progress) {
  if (!progress || cancelled_) return;
  reported_ = rows_done_.load(std::memory_order_relaxed);
  try {
    cancelled_ = progress(reported_, rows_.num_rows, tokens_done_.load(std::memory_order_relaxed));
  } catch (...) {
    keep_failure(std::current_exception());
  }
  if (cancelled_) stop_.store(true);
}

void EmbedCall::keep_failure(std::exception_ptr failure) {
  stop_.store(true);
  const std::lock_guard lock(mutex_);
  if (failure_ == nullptr) failure_ = std::move(failure);
}

int64_t EmbedCall::remaining_cost(int64_t begin) const {
  const int64_t num_rows = rows_.num_rows - begin;
  const int64_t bytes = rows_.offsets[rows_.num_rows] - rows_.offsets[begin];
  return num_rows * cost_.constant + std::min(bytes, num_rows * cost_.max_bytes);
}

int64_t EmbedCall::count_workers() const {
  const int64_t smallest = kSmallestClaimTokens * kBytesPerToken;
  const int64_t useful = std::max<int64_t>(1, remaining_cost(0) / smallest);
  return std::min({settings_.num_threads, useful, rows_.num_rows});
}

int64_t EmbedCall::count_threads_per_worker() const {
  const NetworkConfig& network = model_.config.network;
  const int64_t layer =
      network.hidden_size * (2 * network.query_size() + 2 * network.key_size() + 2 * network.intermediate_size);
  const int64_t bytes = network.num_hidden_layers * layer * static_cast<int64_t>(dtype_bytes(model_.backend->dtype()));
  const int64_t useful = 1 + bytes / kWeightBytesPerThread;
  return std::min(settings_.num_threads / num_workers_, useful);
}

void EmbedCall::start_threads(int64_t count, std::vector<std::thread>& threads) {
  if (count <= 0) return;
  threads.reserve(static_cast<size_t>(count));
  const SignalsBlocked blocked;
  for (int64_t i = 0; i < count; ++i) {
    const auto body = [this] {
      work(nullptr);
      const std::lock_guard lock(mutex_);
      --threads_running_;
      thread_ended_.notify_one();
    };
    {
      const std::lock_guard lock(mutex_);
      ++threads_running_;
    }
    try {
      threads.emplace_back(body);
    } catch (const std::exception&) {
      // A limit on threads or memory makes the call slower, not wrong; those that run must be joined.
      const std::lock_guard lock(mutex_);
      --threads_running_;
      return;
    }
  }
}

// Runs one worker to its end; nothing escapes, because a thread of ours must not end the process.
void EmbedCall::work(const Progress* progress) {
  Stats stats;
  try {
    if (model_.queue != nullptr) {
      QueuedWorker(*this, *model_.queue, progress, stats).run();
    } else {
      Worker(*this, progress, stats).run();
    }
  } catch (...) {
    keep_failure(std::current_exception());
  }
  const std::lock_guard lock(mutex_);
  stats_ += stats;
}

void EmbedCall::wait_for_threads(const Progress& progress) {
  std::unique_lock lock(mutex_);
  while (!thread_ended_.wait_for(lock, kReportEvery, [this] { return threads_running_ == 0; })) {
    lock.unlock();
    report(progress);
    lock.lock();
  }
  lock.unlock();
  if (rows_done_.load() == rows_.num_rows && reported_ != rows_.num_rows) report(progress);
}

}  // namespace emberline
