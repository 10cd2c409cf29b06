// SPDX-License-Identifier: Apache-2.0
#pragma once
// What follows pooling in a Universal Sentence Encoder: a projection of the tokens' sum, and blocks of two layers that
// see what came before them once more.
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"

namespace emberline {

class EncoderScratch;

// What one step of a head works on.
struct PooledBatch {
  Stream& stream;
  const Backend& backend;
  EncoderScratch& scratch;
  std::span<const int64_t> seq_offsets;
  Pooling pooling;
  int64_t skip = 0;    // leading tokens that pooling leaves out
  MatrixView vectors;  // [num_seqs, in_features]
};

// Immutable, safe from many threads.
class ResidualBlocks {
 public:
  // Throws Error(kFormat) that names the tensor of step.directory that is missing or misshapen.
  ResidualBlocks(const HeadStep& step, const Backend& backend);

  // out = the last block, under tanh: [num_seqs, out_features].
  void run(const PooledBatch& batch, MatrixView out) const;

 private:
  struct Block {
    std::unique_ptr<Linear> inner;  // [inner, width]
    std::unique_ptr<Linear> outer;  // [out_features, width + inner]: reads the block's input and `inner` side by side
  };

  std::unique_ptr<Linear> projection_;  // [pooled_features, in_features]
  std::unique_ptr<Buffer> token_bias_;  // [pooled_features]: each token adds it, so that it is pooled as tokens are
  std::vector<Block> blocks_;
};

}  // namespace emberline
