// SPDX-License-Identifier: Apache-2.0
#include "engine/device_queue.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "engine/loaded_model.h"
#include "engine/pass.h"
#include "engine/scoped_timer.h"

namespace emberline {
namespace {

// A caller looks up this often to report progress and to see whether it shall stop.
constexpr std::chrono::milliseconds kMoment{50};
// Sequences of one batch.
constexpr size_t kMostItems = 16384;

}  // namespace

DeviceQueue::DeviceQueue(const LoadedModel& model) : model_(model), token_limit_(std::numeric_limits<int64_t>::max()) {}

DeviceQueue::~DeviceQueue() {
  const pid_t process = process_;
  if (process == 0) return;
  if (process != ::getpid()) {
    // A forked child has neither the thread nor a mutex that could be trusted.
    thread_.detach();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  submitted_.notify_one();
  thread_.join();
}

void DeviceQueue::submit(QueuedClaim& queued) {
  const pid_t process = process_;
  check(process == 0 || process == ::getpid(), Code::kDevice,
        "embed: process {} was forked from process {}, which uses the device; load the model again here", ::getpid(),
        process);
  const size_t count = queued.claim->sequences().size();
  queued.finished.clear();
  queued.finished.reserve(count);
  queued.failure = nullptr;
  queued.running = queued.batches = queued.compute_ns = 0;
  const std::lock_guard lock(mutex_);
  if (process_ == 0) begin();
  waiting_.reserve(waiting_.size() + static_cast<size_t>(num_running_) + count);
  for (size_t index = 0; index < count; ++index) waiting_.push_back({&queued, static_cast<int64_t>(index)});
  queued.waiting = static_cast<int64_t>(count);
  submitted_.notify_one();
}

// The caller holds the mutex.
void DeviceQueue::begin() {
  items_.reserve(kMostItems);
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { serve(); });
  process_ = ::getpid();
}

bool DeviceQueue::take_finished(QueuedClaim& queued, std::vector<QueuedClaim::Outcome>& finished) {
  std::unique_lock lock(mutex_);
  settled_.wait_for(lock, kMoment, [&] {
    return !queued.finished.empty() || queued.failure != nullptr || queued.waiting + queued.running == 0;
  });
  if (queued.failure != nullptr) std::rethrow_exception(queued.failure);
  finished = queued.finished;  // a copy: the thread relies on the room that submit made
  queued.finished.clear();
  return queued.waiting + queued.running > 0;
}

void DeviceQueue::withdraw(QueuedClaim& queued) noexcept {
  std::unique_lock lock(mutex_);
  if (queued.waiting > 0) {
    std::erase_if(waiting_, [&](const Item& item) { return item.queued == &queued; });
    queued.waiting = 0;
  }
  settled_.wait(lock, [&] { return queued.running == 0; });
}

void DeviceQueue::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    submitted_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    take_batch();
    lock.unlock();
    bool fits = false;
    std::exception_ptr failure;
    int64_t nanoseconds = 0;
    try {
      const ScopedTimer timer(nanoseconds);
      fits = has_memory_for([this] { compute(); });
    } catch (...) {
      failure = std::current_exception();
    }
    if (!fits) {
      scratch_ = EncoderScratch();
      batch_ = Batch();
    }
    lock.lock();
    settle(fits, failure, nanoseconds);
    settled_.notify_all();
  }
}

// Moves to items_ what the next batch holds: rows that share their settings with the first, in order, as many as fit.
// The caller holds the mutex.
void DeviceQueue::take_batch() {
  const Settings* settings = waiting_.front().queued->settings;
  const int64_t budget = std::min(settings->batch_tokens, token_limit_);
  items_.clear();
  int64_t tokens = 0;
  const auto is_taken = [&](const Item& item) {
    const int64_t length = sequence_of(item).length;
    if (item.queued->settings != settings || items_.size() == kMostItems) return false;
    if (!items_.empty() && tokens + length > budget) return false;
    items_.push_back(item);
    tokens += length;
    --item.queued->waiting;
    ++item.queued->running;
    return true;
  };
  std::erase_if(waiting_, is_taken);
  num_running_ = static_cast<int64_t>(items_.size());
}

void DeviceQueue::compute() {
  if (stream_ == nullptr) stream_ = model_.backend->make_stream(1);
  batch_.clear();
  for (const Item& item : items_) {
    const Claim& claim = *item.queued->claim;
    const Sequence& sequence = sequence_of(item);
    batch_.append(claim.ids(sequence), claim.types(sequence), sequence.row);
  }
  const Settings& settings = *items_.front().queued->settings;
  const MatrixView vectors = run_pass(model_, settings, *stream_, batch_, scratch_);
  for (size_t i = 0; i < items_.size(); ++i) {
    const QueuedClaim& queued = *items_[i].queued;
    float* vector = queued.claim->vector(items_[i].index, *queued.out);
    stream_->download_row(vectors, static_cast<int64_t>(i), settings.dim, vector);
  }
}

// The caller holds the mutex.
void DeviceQueue::settle(bool fits, const std::exception_ptr& failure, int64_t nanoseconds) {
  int64_t tokens = 0;
  for (const Item& item : items_) tokens += sequence_of(item).length;
  const bool again = !fits && failure == nullptr && items_.size() > 1;
  for (const Item& item : items_) {
    QueuedClaim& queued = *item.queued;
    --queued.running;
    queued.compute_ns += nanoseconds * sequence_of(item).length / std::max<int64_t>(1, tokens);
    if (again) {
      ++queued.waiting;
    } else if (failure != nullptr) {
      queued.failure = failure;
    } else {
      queued.finished.push_back({item.index, fits ? RowStatus::kOk : RowStatus::kTooLarge});
    }
  }
  if (fits) ++items_.front().queued->batches;
  if (again) {
    token_limit_ = std::max<int64_t>(1, std::min(token_limit_, tokens) / 2);
    waiting_.insert(waiting_.begin(), items_.begin(), items_.end());
  }
  num_running_ = 0;
}

}  // namespace emberline
