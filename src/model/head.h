// SPDX-License-Identifier: Apache-2.0
#pragma once
// From hidden states to finished vectors: pooling, dense layers, normalisation, leading dimensions.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/encoder.h"

namespace emberline {

// How to finish; resolved from the model's own settings and the caller's options.
struct HeadPlan {
  Pooling pooling = Pooling::kMean;
  bool use_dense = true;          // false where other layers than the last were asked for
  std::optional<bool> normalize;  // empty: the model's own
  int64_t dims = 0;               // keep the first n; 0 keeps all
  int64_t prompt_tokens = 0;      // leading tokens that pooling skips
};

// Dense weights, packed. Immutable, shared by all threads.
class Head {
 public:
  Head(const ModelConfig& config, const Backend& backend);
  ~Head();
  Head(Head&&) noexcept;

  // Floats in one finished vector when hidden has `cols` columns.
  int64_t output_dim(const HeadPlan& plan, int64_t cols) const;
  bool normalizes(const HeadPlan& plan) const;

  // [num_seqs, output_dim] in scratch until the next call.
  MatrixView finish(Stream& stream, MatrixView hidden, const Batch& batch, const HeadPlan& plan,
                    EncoderScratch& scratch) const;

 private:
  struct Dense;
  std::vector<HeadStep> steps_;
  std::vector<Dense> dense_;
  const Backend& backend_;
};

}  // namespace emberline
