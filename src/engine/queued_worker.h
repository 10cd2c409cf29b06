// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread's share of a call on a device with a queue: claims and tokenizes rows ahead of the device.
#include <array>
#include <vector>

#include "engine/claim.h"
#include "engine/device_queue.h"
#include "engine/embed_call.h"

namespace emberline {

class QueuedWorker {
 public:
  // progress is null but on the calling thread; stats are written as rows finish, also when run throws.
  QueuedWorker(EmbedCall& call, DeviceQueue& queue, const Progress* progress, Stats& stats);
  ~QueuedWorker();  // what is still queued is withdrawn
  QueuedWorker(const QueuedWorker&) = delete;
  QueuedWorker& operator=(const QueuedWorker&) = delete;

  // Until no row is left or the call stops. Throws Error for the call as a whole.
  void run();

 private:
  // While the device computes one claim, this thread tokenizes the other.
  struct Slot {
    Claim claim;
    QueuedClaim queued;
    bool is_queued = false;
  };

  void finish(Slot& slot);
  void withdraw(Slot& slot) noexcept;

  EmbedCall& call_;
  DeviceQueue& queue_;
  const Progress* progress_;
  Stats& stats_;
  std::array<Slot, 2> slots_;
  std::vector<QueuedClaim::Outcome> finished_;
};

}  // namespace emberline
