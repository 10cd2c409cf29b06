// SPDX-License-Identifier: Apache-2.0
#pragma once
// One thread's share of a call: claims rows, tokenizes and packs them, runs the whole network on each batch.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/embed_call.h"
#include "model/batch.h"
#include "model/encoder.h"
#include "text/tokenizer.h"

namespace emberline {

class Worker {
 public:
  // progress is null but on the calling thread; stats are written as rows finish, also when run throws.
  Worker(EmbedCall& call, const Progress* progress, Stats& stats);

  // Until no row is left or the call stops. Throws Error for the call as a whole.
  void run();

 private:
  // A tokenized row that waits for its batch.
  struct Sequence {
    int64_t row = 0;
    int64_t begin = 0;  // of its ids in ids_ and types_
    int64_t length = 0;
    bool truncated = false;
  };

  void tokenize(const RowRange& range);
  void tokenize_row(int64_t row);
  // Computes the sequences at these places; where memory runs out, one by one, so that only a row that is too large
  // fails.
  void compute(const std::vector<int64_t>& members);
  bool fits_in_memory(const std::vector<int64_t>& members);
  void fill_batch(const std::vector<int64_t>& members);
  void run_batch();
  void finish_rows(const std::vector<int64_t>& members);
  void fail_row(int64_t row, RowStatus status);

  EmbedCall& call_;
  const Progress* progress_;
  Stats& stats_;
  std::unique_ptr<Stream> stream_;
  EncoderScratch scratch_;
  Encoding encoding_;
  std::string prompted_;  // prompt and text of one row
  std::vector<int32_t> ids_;
  std::vector<int32_t> types_;
  std::vector<Sequence> sequences_;
  std::vector<int64_t> lengths_;  // of sequences_
  Batch batch_;
};

}  // namespace emberline
