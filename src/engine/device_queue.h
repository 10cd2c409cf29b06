// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one queue of a device that computes one batch at a time, and large ones best: calls from all threads of the
// process hand in their tokenized rows, and one thread packs those of all of them into its batches.
#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/claim.h"
#include "engine/rows.h"
#include "engine/settings.h"
#include "model/batch.h"
#include "model/encoder.h"

namespace emberline {

struct LoadedModel;

// One claim on its way through the queue. What it points to lives until nothing of it is in the queue.
struct QueuedClaim {
  const Settings* settings = nullptr;  // rows of the same settings share batches
  Claim* claim = nullptr;
  const VectorsView* out = nullptr;

  // The queue's, guarded by its mutex.
  struct Outcome {
    int64_t index = 0;  // of the claim's sequences
    RowStatus status = RowStatus::kOk;
  };
  std::vector<Outcome> finished;  // since the last take
  int64_t waiting = 0;            // sequences that no batch has yet
  int64_t running = 0;            // sequences of the batch that the device computes
  int64_t batches = 0;            // whose first sequence was of this claim
  int64_t compute_ns = 0;         // this claim's share of the device's time, by tokens
  std::exception_ptr failure;     // of a batch that had rows of it
};

// Batches hold up to settings.batch_tokens tokens, of the rows that have waited longest and those behind them that
// still fit. The device never idles to fill a batch: while it computes one, rows gather for the next. Where a batch
// exhausts its memory, batches are halved from then on, down to a row alone, which then fails.
class DeviceQueue {
 public:
  explicit DeviceQueue(const LoadedModel& model);
  ~DeviceQueue();  // no call may be under way
  DeviceQueue(const DeviceQueue&) = delete;
  DeviceQueue& operator=(const DeviceQueue&) = delete;

  // Throws Error(kDevice) in a child of the process that began to use the queue: its thread is not there.
  void submit(QueuedClaim& queued);
  // Waits until some of the claim's rows have finished, or a moment has passed; hands out those that have. Rethrows
  // what a batch of its rows threw. False once nothing of it is left in the queue.
  bool take_finished(QueuedClaim& queued, std::vector<QueuedClaim::Outcome>& finished);
  // Takes back what waits, and returns when no batch computes rows of it any more.
  void withdraw(QueuedClaim& queued) noexcept;

 private:
  struct Item {
    QueuedClaim* queued;
    int64_t index;
  };
  static const Sequence& sequence_of(const Item& item) { return item.queued->claim->sequence(item.index); }
  void begin();
  void serve();
  void take_batch();
  void compute();
  void settle(bool fits, const std::exception_ptr& failure, int64_t nanoseconds);

  const LoadedModel& model_;
  std::unique_ptr<Stream> stream_;  // the thread's, with what follows
  EncoderScratch scratch_;
  Batch batch_;
  std::vector<Item> items_;        // of the batch under way
  std::atomic<pid_t> process_{0};  // whose thread it is; 0 before there is one

  std::mutex mutex_;  // guards what follows
  std::condition_variable submitted_;
  std::condition_variable settled_;
  std::vector<Item>
      waiting_;  // the longest first; has room for the batch under way, so that the thread never allocates
  int64_t num_running_ = 0;
  int64_t token_limit_;  // of a batch, since memory ran out
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace emberline
