// SPDX-License-Identifier: Apache-2.0
#pragma once
// The forward pass of an encoder, written once over Backend.
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/encoder_weights.h"
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
  enum Slot { kEmbedded, kHidden, kNormedHidden, kProjected, kCombined, kPooled, kDense, kResidual, kNumSlots };
  enum OperandSlot { kNormed, kAttended, kNumOperands };

  // A [rows, cols] matrix in a slot, reusing the slot's buffer where it is large enough; its contents are undefined.
  MatrixView matrix(const Backend& backend, Slot slot, int64_t rows, int64_t cols);
  Operand& operand(const Backend& backend, OperandSlot slot);
  std::vector<int32_t>& position_rows() { return position_rows_; }  // of tables whose rows are no positions

 private:
  std::array<std::unique_ptr<Buffer>, kNumSlots> slots_;
  std::array<std::unique_ptr<Operand>, kNumOperands> operands_;
  std::vector<int32_t> position_rows_;
};

// Sees every layer norm's output on its way to a product: norm 0 is the embeddings', or what their projection makes of
// it, or that before the first attention; 2 i + 1 and 2 i + 2 are those of layer i.
class NormObserver {
 public:
  virtual ~NormObserver() = default;
  virtual void see(int64_t norm, MatrixView out) = 0;
};

// Packed weights; immutable, shared by all threads.
class Encoder {
 public:
  // `factors`: for each norm but the last, what its operand is multiplied by ([hidden]); empty for none. Packs layers
  // on up to num_threads threads.
  Encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend, int64_t num_threads = 1,
          std::span<const std::vector<float>> factors = {});
  ~Encoder();
  Encoder(Encoder&&) noexcept;

  // Hidden states of the selected layers, combined: [num_tokens, hidden] ([num_tokens, n * hidden] for kConcat, in the
  // selection's order). Lives in scratch until the next call. Runs no layer above the highest selected one. Throws
  // Error(kFormat) on a token id, type or position outside the tables, Error(kInvalidArgument) on a layer that is not
  // there.
  MatrixView forward(Stream& stream, const Batch& batch, const LayerSelection& selection, EncoderScratch& scratch,
                     NormObserver* observer = nullptr) const;

 private:
  struct Run;
  void embed(const Run& run, EncoderScratch& scratch, bool feeds) const;
  AttentionShape attention_shape(int64_t layer) const;
  void leave_block(const Run& run, const NormWeights& given, int64_t norm, bool feeds) const;
  MatrixView run_layer(const Run& run, int64_t index, bool is_last) const;

  NetworkConfig config_;
  const Backend& backend_;
  EncoderWeights weights_;
};

}  // namespace emberline
