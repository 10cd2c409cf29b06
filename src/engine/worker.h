// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread's share of a call: claims rows, tokenizes and packs them, runs the whole network on each batch.
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "engine/claim.h"
#include "engine/embed_call.h"
#include "model/batch.h"
#include "model/encoder.h"

namespace emberline {

class Worker {
 public:
  // progress is null but on the calling thread; stats are written as rows finish, also when run throws.
  Worker(EmbedCall& call, const Progress* progress, Stats& stats);

  // Until no row is left or the call stops. Throws Error for the call as a whole.
  void run();

 private:
  // Computes the sequences at these places of the claim; where memory runs out, one by one, so that only a row that is
  // too large fails.
  void compute(const std::vector<int64_t>& members);
  bool fits_in_memory(const std::vector<int64_t>& members);
  void run_batch(const std::vector<int64_t>& members);

  EmbedCall& call_;
  const Progress* progress_;
  Stats& stats_;
  std::unique_ptr<Stream> stream_;
  EncoderScratch scratch_;
  Claim claim_;
  Batch batch_;
};

}  // namespace emberline
