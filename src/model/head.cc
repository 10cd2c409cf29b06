// SPDX-License-Identifier: Apache-2.0
#include "model/head.h"

#include <utility>

#include "base/error.h"
#include "model/residual_blocks.h"
#include "model/weights.h"

namespace emberline {
namespace {

using StepKind = HeadStep::Kind;

// The steps that a plan leaves of the model's own.
std::vector<size_t> steps_in_force(const std::vector<HeadStep>& steps, const HeadPlan& plan) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < steps.size(); ++i) {
    const bool is_normalize = steps[i].kind == StepKind::kNormalize;
    if (is_normalize ? plan.normalize.value_or(true) : plan.use_dense) kept.push_back(i);
  }
  return kept;
}

// Whether the kept steps themselves end in a normalisation.
bool ends_normalized(const std::vector<HeadStep>& steps, const std::vector<size_t>& kept) {
  return !kept.empty() && steps[kept.back()].kind == StepKind::kNormalize;
}

}  // namespace

struct Head::Dense {
  std::unique_ptr<Linear> linear;          // [out_features, in_features]; null for other steps
  std::unique_ptr<Linear> residual;        // [out_features, in_features]; null where the input is added as it is
  std::unique_ptr<ResidualBlocks> blocks;  // null for other steps
};

Head::Head(const ModelConfig& config, const Backend& backend) : steps_(config.head), backend_(backend) {
  for (const HeadStep& step : steps_) {
    Dense dense;
    if (step.kind == StepKind::kDense) {
      const Weights weights = Weights::open(step.directory);
      LinearPart part{.weight = weights.get("linear.weight", {step.out_features, step.in_features}), .bias = {}};
      if (step.bias) part.bias = weights.get("linear.bias", {step.out_features});
      dense.linear = backend.make_dense(part);
      if (step.use_residual && step.in_features != step.out_features) {
        part = {.weight = weights.get("residual.weight", {step.out_features, step.in_features}), .bias = {}};
        dense.residual = backend.make_dense(part);
      }
    }
    if (step.kind == StepKind::kResidualBlocks) dense.blocks = std::make_unique<ResidualBlocks>(step, backend);
    dense_.push_back(std::move(dense));
  }
}

Head::~Head() = default;
Head::Head(Head&&) noexcept = default;

int64_t Head::output_dim(const HeadPlan& plan, int64_t cols) const {
  int64_t width = cols;
  for (const size_t i : steps_in_force(steps_, plan)) {
    if (steps_[i].kind == StepKind::kNormalize) continue;
    check(width == steps_[i].in_features, Code::kInvalidArgument, "dense {}: got vectors of {} dimensions, expected {}",
          steps_[i].directory.string(), width, steps_[i].in_features);
    width = steps_[i].out_features;
  }
  check(plan.dims >= 0 && plan.dims <= width, Code::kInvalidArgument, "dims: got {}, expected 1 to {}", plan.dims,
        width);
  return plan.dims == 0 ? width : plan.dims;
}

bool Head::normalizes(const HeadPlan& plan) const {
  return plan.normalize.value_or(ends_normalized(steps_, steps_in_force(steps_, plan)));
}

MatrixView Head::finish(Stream& stream, MatrixView hidden, const Batch& batch, const HeadPlan& plan,
                        EncoderScratch& scratch) const {
  const int64_t dim = output_dim(plan, hidden.cols);
  const int64_t seqs = batch.num_seqs();
  if (seqs == 0) return {.data = nullptr, .rows = 0, .cols = dim, .row_stride = dim};

  MatrixView vectors = scratch.matrix(backend_, EncoderScratch::kPooled, seqs, hidden.cols);
  stream.pool(hidden, batch.seq_offsets, plan.pooling, plan.prompt_tokens, vectors);

  const std::vector<size_t> kept = steps_in_force(steps_, plan);
  bool in_pooled_slot = true;
  for (const size_t i : kept) {
    const HeadStep& step = steps_[i];
    if (step.kind == StepKind::kNormalize) {
      stream.normalize(vectors);
      continue;
    }
    const auto slot = in_pooled_slot ? EncoderScratch::kDense : EncoderScratch::kPooled;
    const MatrixView out = scratch.matrix(backend_, slot, seqs, step.out_features);
    if (step.kind == StepKind::kResidualBlocks) {
      const PooledBatch pooled = {stream,       backend_,           scratch, batch.seq_offsets,
                                  plan.pooling, plan.prompt_tokens, vectors};
      dense_[i].blocks->run(pooled, out);
    } else {
      stream.dense(vectors, *dense_[i].linear, step.activation, out);
    }
    if (step.use_residual) {
      MatrixView added = vectors;
      if (dense_[i].residual != nullptr) {
        added = scratch.matrix(backend_, EncoderScratch::kResidual, seqs, step.out_features);
        stream.dense(vectors, *dense_[i].residual, Activation::kNone, added);
      }
      stream.combine(added, LayerOp::kSum, 1, 2, out);
    }
    vectors = out;
    in_pooled_slot = !in_pooled_slot;
  }

  const bool cut = dim < vectors.cols;
  vectors.cols = dim;
  if (normalizes(plan) && (cut || !ends_normalized(steps_, kept))) stream.normalize(vectors);
  return vectors;
}

}  // namespace emberline
