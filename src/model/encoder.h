// SPDX-License-Identifier: Apache-2.0
#pragma once
// The forward pass of a BERT-shaped encoder, written once over Backend.
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/weights.h"

namespace emberline {

// Hidden layers to take: 0 is the embeddings' output, num_hidden_layers the last. Never empty.
struct LayerSelection {
  std::vector<int64_t> layers;
  LayerOp op = LayerOp::kMean;
};

// Memory of one thread for one batch size; grows when a larger batch comes. Not shared between threads.
class EncoderScratch {
 public:
  enum Slot { kHidden, kWide, kAttended, kProjected, kCombined, kPooled, kDense, kResidual, kNumSlots };

  // A [rows, cols] matrix in a slot, reusing the slot's buffer where it is large enough; its contents are undefined.
  MatrixView matrix(const Backend& backend, Slot slot, int64_t rows, int64_t cols);

 private:
  std::array<std::unique_ptr<Buffer>, kNumSlots> slots_;
};

// Packed weights; immutable, shared by all threads.
class Encoder {
 public:
  Encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend);
  ~Encoder();
  Encoder(Encoder&&) noexcept;

  // Hidden states of the selected layers, combined: [num_tokens, hidden] ([num_tokens, n * hidden] for kConcat, in the
  // selection's order). Lives in scratch until the next call. Runs no layer above the highest selected one. Throws
  // Error(kFormat) on a token id, type or position outside the tables, Error(kInvalidArgument) on a layer that is not
  // there.
  MatrixView forward(Stream& stream, const Batch& batch, const LayerSelection& selection,
                     EncoderScratch& scratch) const;

 private:
  struct Layer;
  void run_layer(Stream& stream, const Layer& layer, const Batch& batch, MatrixView hidden,
                 EncoderScratch& scratch) const;

  NetworkConfig config_;
  const Backend& backend_;
  EmbeddingTables tables_;
  NormWeights embedding_norm_;
  std::vector<Layer> layers_;
};

}  // namespace emberline
