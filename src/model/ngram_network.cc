// SPDX-License-Identifier: Apache-2.0
#include "model/ngram_network.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/encoder.h"
#include "model/modules.h"

namespace emberline {
namespace {

constexpr int64_t kWidest = 1 << 16;
constexpr int64_t kMostTokens = 64;  // of an n-gram

std::vector<Ngrams> read_ngrams(const JsonValue& list) {
  std::vector<Ngrams> all;
  for (const JsonValue& item : list.items()) {
    Ngrams ngrams;
    ngrams.size = item.at("size").integer(1, kMostTokens);
    ngrams.before = item.at("before").integer(0, ngrams.size - 1);
    all.push_back(ngrams);
  }
  if (all.empty()) list.refuse("a list of n-grams: {\"size\": 2, \"before\": 0}");
  return all;
}

std::vector<ResidualBlock> read_blocks(const JsonValue& list) {
  std::vector<ResidualBlock> blocks;
  for (const JsonValue& item : list.items()) {
    blocks.push_back(
        {.inner = item.at("inner").integer(1, kWidest), .out_features = item.at("out_features").integer(1, kWidest)});
  }
  if (blocks.empty()) list.refuse("a list of blocks: {\"inner\": 320, \"out_features\": 320}");
  return blocks;
}

}  // namespace

bool is_ngram_network(const JsonValue& file) {
  const auto value = file.find("model_type");
  return value && value->is_text() && value->text() == "use-multilingual";
}

void read_ngram_network(const JsonValue& file, ModelConfig& config) {
  NetworkConfig& network = config.network;
  network.model_type = file.at("model_type").text();
  network.vocab_size = file.at("vocab_size").integer(1, (int64_t{1} << 31) - 1);
  network.embedding_size = file.at("embedding_size").integer(1, kWidest);
  network.ngrams = read_ngrams(file.at("ngrams"));
  network.ngram_features = file.at("ngram_features").integer(1, kWidest);
  const int64_t branch_columns = static_cast<int64_t>(network.ngrams.size()) * network.ngram_features;
  network.hidden_size = network.embedding_size + branch_columns;
  network.num_attention_heads = 1;
  network.max_position_embeddings = kNoTokenLimit;
  const JsonValue eps = file.at("layer_norm_eps");
  network.layer_norm_eps = static_cast<float>(eps.number());
  if (!(network.layer_norm_eps > 0 && network.layer_norm_eps < 1)) eps.refuse("a number between 0 and 1");
  network.tensors = {
      .prefix = "", .words = "embeddings", .positions = nullptr, .types = nullptr, .embedding_norm = nullptr};

  HeadStep step;
  step.kind = HeadStep::Kind::kResidualBlocks;
  step.directory = config.network_directory;
  step.in_features = network.hidden_size;
  step.pooled_features = file.at("pooled_features").integer(1, kWidest);
  step.blocks = read_blocks(file.at("residual_blocks"));
  step.out_features = step.blocks.back().out_features;
  config.head = {std::move(step), HeadStep()};
  config.pooling = Pooling::kMeanSqrtLen;
  read_token_limits(config, false);
}

NgramWeights load_ngrams(const NetworkConfig& config, const TensorNames& names, const Backend& backend) {
  NgramWeights loaded;
  if (config.ngrams.empty()) return loaded;
  const auto product = [&](const std::string& name, int64_t in, int64_t out) {
    const LinearPart part = linear_part(names, name, in, out, true);
    return backend.make_linear({&part, 1}, {});
  };
  const auto norm = [&](const std::string& name, int64_t width) {
    return NormWeights{.gain = backend.upload(names.get(name + ".weight", {width})),
                       .bias = backend.upload(names.get(name + ".bias", {width})),
                       .factors = nullptr,
                       .eps = config.layer_norm_eps};
  };
  const int64_t features = config.ngram_features;
  const int64_t columns = static_cast<int64_t>(config.ngrams.size()) * features;
  loaded.projection = product("projection", config.embedding_size, columns);
  loaded.projection_norm = norm("projection_norm", columns);
  for (size_t i = 0; i < config.ngrams.size(); ++i) {
    const std::string at = message("ngrams.{}.", i);
    const int64_t width = config.ngrams[i].size * features;
    loaded.branches.push_back({product(at + "first", width, features), product(at + "second", width, features)});
  }
  loaded.token_norm = norm("token_norm", config.hidden_size);
  return loaded;
}

void NgramPass::run(Stream& stream, const Batch& batch, EncoderScratch& scratch, MatrixView hidden) const {
  const int64_t features = config.ngram_features;
  const MatrixView embedded = columns_of(hidden, 0, config.embedding_size);
  stream.embed(tables, batch.ids, {}, {}, embedded);
  Operand& operand = scratch.operand(backend, EncoderScratch::kNormed);
  stream.to_operand(embedded, nullptr, operand);
  const MatrixView projected =
      scratch.matrix(backend, EncoderScratch::kEmbedded, hidden.rows, weights.projection->out_features);
  stream.linear(operand, *weights.projection, Activation::kNone, projected);
  stream.norm(projected, {}, weights.projection_norm, projected, nullptr);
  const MatrixView between = scratch.matrix(backend, EncoderScratch::kNormedHidden, hidden.rows, features);
  for (size_t i = 0; i < weights.branches.size(); ++i) {
    const NgramBranch& branch = weights.branches[i];
    const int64_t before = config.ngrams[i].before;
    const int64_t column = static_cast<int64_t>(i) * features;
    stream.convolve(columns_of(projected, column, features), batch.seq_offsets, before, *branch.first,
                    Activation::kRelu, between);
    stream.convolve(between, batch.seq_offsets, before, *branch.second, Activation::kRelu,
                    columns_of(hidden, config.embedding_size + column, features));
  }
  stream.norm(hidden, {}, weights.token_norm, hidden, nullptr);
}

}  // namespace emberline
