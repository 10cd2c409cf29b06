// SPDX-License-Identifier: Apache-2.0
#include "engine/queued_worker.h"

namespace emberline {

QueuedWorker::QueuedWorker(EmbedCall& call, DeviceQueue& queue, const Progress* progress, Stats& stats)
    : call_(call), queue_(queue), progress_(progress), stats_(stats) {
  for (Slot& slot : slots_) {
    slot.queued.settings = &call.settings();
    slot.queued.claim = &slot.claim;
    slot.queued.out = &call.out();
  }
}

QueuedWorker::~QueuedWorker() {
  for (Slot& slot : slots_) withdraw(slot);
}

void QueuedWorker::run() {
  for (size_t turn = 0; !call_.stopped(); ++turn) {
    Slot& slot = slots_[turn % slots_.size()];
    finish(slot);
    const RowRange range = call_.claim();
    if (range.begin == range.end) break;
    slot.claim.tokenize(call_, range, stats_);
    if (progress_ != nullptr) call_.report(*progress_);
    if (slot.claim.sequences().empty() || call_.stopped()) continue;
    queue_.submit(slot.queued);
    slot.is_queued = true;
  }
  for (Slot& slot : slots_) finish(slot);
}

// Waits for the slot's rows, telling progress meanwhile; gives up where the call stops.
void QueuedWorker::finish(Slot& slot) {
  bool more = slot.is_queued;
  while (more && !call_.stopped()) {
    more = queue_.take_finished(slot.queued, finished_);
    for (const QueuedClaim::Outcome& outcome : finished_) {
      slot.claim.finish(call_, outcome.index, outcome.status, stats_);
    }
    if (progress_ != nullptr) call_.report(*progress_);
  }
  withdraw(slot);
}

void QueuedWorker::withdraw(Slot& slot) noexcept {
  if (!slot.is_queued) return;
  queue_.withdraw(slot.queued);
  slot.is_queued = false;
  stats_.batches += slot.queued.batches;
  stats_.compute_ns += slot.queued.compute_ns;
}

}  // namespace emberline
