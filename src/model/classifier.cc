// SPDX-License-Identifier: Apache-2.0
#include "model/classifier.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"

namespace emberline {
namespace {

void require_tensors(const ClassifierConfig& config, const Weights& weights) {
  std::vector<std::string> names = {config.dense + ".weight", config.scores + ".weight", config.scores + ".bias"};
  if (config.dense_bias) names.push_back(config.dense + ".bias");
  if (!config.norm.empty()) names.push_back(config.norm + ".weight");
  if (!config.norm.empty() && config.norm_bias) names.push_back(config.norm + ".bias");
  std::string missing;
  for (const std::string& name : names) {
    if (weights.has(name)) continue;
    if (!missing.empty()) missing += ", ";
    missing += name;
  }
  check(missing.empty(), Code::kFormat, "{}: has no head that scores pairs: it lacks {}", weights.source(), missing);
}

LinearPart part_of(const Weights& weights, const std::string& name, int64_t out, int64_t in, bool has_bias) {
  LinearPart part = {.weight = weights.get(name + ".weight", {out, in}), .bias = std::nullopt};
  if (has_bias) part.bias = weights.get(name + ".bias", {out});
  return part;
}

std::unique_ptr<Buffer> zeros(const Backend& backend, int64_t count) {
  const std::vector<float> numbers(static_cast<size_t>(count));
  return backend.upload({.name = "no bias",
                         .dtype = DType::kF32,
                         .shape = {count},
                         .data = reinterpret_cast<const std::byte*>(numbers.data())});
}

}  // namespace

Classifier::Classifier(const NetworkConfig& network, const ClassifierConfig& config, const Weights& weights,
                       const Backend& backend)
    : config_(config), backend_(backend) {
  require_tensors(config, weights);
  const int64_t hidden = network.hidden_size;
  dense_ = backend.make_dense(part_of(weights, config.dense, hidden, hidden, config.dense_bias));
  scores_ = backend.make_dense(part_of(weights, config.scores, config.num_labels, hidden, true));
  if (config.norm.empty()) return;
  norm_.eps = config.norm_eps;
  norm_.gain = backend.upload(weights.get(config.norm + ".weight", {hidden}));
  norm_.bias = config.norm_bias ? backend.upload(weights.get(config.norm + ".bias", {hidden})) : zeros(backend, hidden);
}

MatrixView Classifier::score(Stream& stream, MatrixView hidden, const Batch& batch, EncoderScratch& scratch) const {
  const int64_t seqs = batch.num_seqs();
  const int64_t labels = config_.num_labels;
  if (seqs == 0) return {.data = nullptr, .rows = 0, .cols = labels, .row_stride = labels};
  const MatrixView pooled = scratch.matrix(backend_, EncoderScratch::kPooled, seqs, hidden.cols);
  stream.pool(hidden, batch.seq_offsets, config_.pooling, 0, pooled);
  const MatrixView features = scratch.matrix(backend_, EncoderScratch::kDense, seqs, hidden.cols);
  stream.dense(pooled, *dense_, config_.activation, features);
  if (norm_.gain != nullptr) stream.norm(features, {}, norm_, features, nullptr);
  const MatrixView scores = scratch.matrix(backend_, EncoderScratch::kPooled, seqs, labels);
  stream.dense(features, *scores_, Activation::kNone, scores);
  return scores;
}

void activate_scores(ScoreActivation activation, std::span<float> scores) {
  if (activation == ScoreActivation::kSigmoid) {
    for (float& score : scores) score = 1 / (1 + std::exp(-score));
  }
  if (activation != ScoreActivation::kSoftmax || scores.empty()) return;
  const float largest = *std::max_element(scores.begin(), scores.end());
  float total = 0;
  for (float& score : scores) total += score = std::exp(score - largest);
  for (float& score : scores) score /= total;
}

}  // namespace emberline
