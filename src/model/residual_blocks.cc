// SPDX-License-Identifier: Apache-2.0
#include "model/residual_blocks.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "model/encoder.h"
#include "model/weights.h"

namespace emberline {

ResidualBlocks::ResidualBlocks(const HeadStep& step, const Backend& backend) {
  const Weights weights = Weights::open(step.directory);
  const auto product = [&](const std::string& name, int64_t in, int64_t out) {
    const LinearPart part = {.weight = weights.get(name + ".weight", {out, in}), .bias = {}};
    return backend.make_linear({&part, 1}, {});
  };
  projection_ = product("pooled_projection", step.in_features, step.pooled_features);
  token_bias_ = backend.upload(weights.get("pooled_projection.bias", {step.pooled_features}));
  int64_t width = step.pooled_features;
  for (size_t i = 0; i < step.blocks.size(); ++i) {
    const ResidualBlock& block = step.blocks[i];
    const std::string at = message("residual_blocks.{}.", i);
    blocks_.push_back({.inner = product(at + "inner", width, block.inner),
                       .outer = product(at + "outer", width + block.inner, block.out_features)});
    width = block.out_features;
  }
}

void ResidualBlocks::run(const PooledBatch& batch, MatrixView out) const {
  Stream& stream = batch.stream;
  const int64_t seqs = batch.vectors.rows;
  const int64_t tokens = batch.seq_offsets.back();
  const auto input_of = [&](size_t i) {
    const auto slot = i % 2 == 0 ? EncoderScratch::kResidual : EncoderScratch::kCombined;
    return batch.scratch.matrix(batch.backend, slot, seqs, blocks_[i].outer->in_features);
  };
  Operand& operand = batch.scratch.operand(batch.backend, EncoderScratch::kNormed);
  const auto multiply = [&](MatrixView x, const Linear& weights, Activation activation, MatrixView to) {
    stream.to_operand(x, nullptr, operand);
    stream.linear(operand, weights, activation, to);
  };
  MatrixView both = input_of(0);
  const MatrixView projected = columns_of(both, 0, projection_->out_features);
  multiply(batch.vectors, *projection_, Activation::kNone, projected);
  const MatrixView added =
      batch.scratch.matrix(batch.backend, EncoderScratch::kProjected, seqs, projection_->out_features);
  const MatrixView biases = {.data = token_bias_->data(), .rows = tokens, .cols = added.cols, .row_stride = 0};
  stream.pool(biases, batch.seq_offsets, batch.pooling, batch.skip, added);
  stream.combine(added, LayerOp::kSum, 1, 2, projected);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const int64_t width = block.inner->in_features;
    multiply(columns_of(both, 0, width), *block.inner, Activation::kRelu,
             columns_of(both, width, block.inner->out_features));
    if (i + 1 == blocks_.size()) return multiply(both, *block.outer, Activation::kTanh, out);
    const MatrixView next = input_of(i + 1);
    multiply(both, *block.outer, Activation::kRelu, columns_of(next, 0, block.outer->out_features));
    both = next;
  }
}

}  // namespace emberline
