// SPDX-License-Identifier: Apache-2.0
#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace emberline {
namespace {

// Names of one model's tensors: saved from the bare network or from one with a task head ("bert." before each name).
class Names {
 public:
  explicit Names(const Weights& weights) : weights_(weights) {
    if (!weights.has("embeddings.word_embeddings.weight") && weights.has("bert.embeddings.word_embeddings.weight")) {
      prefix_ = "bert.";
    }
  }

  const TensorView& get(const std::string& name, const std::vector<int64_t>& shape) const {
    return weights_.get(prefix_ + name, shape);
  }

  // `legacy` is how checkpoints converted from the first BERT release spell a layer norm's parameter.
  const TensorView& get_either(const std::string& name, const std::string& legacy,
                               const std::vector<int64_t>& shape) const {
    return weights_.get(prefix_ + (weights_.has(prefix_ + name)     ? name
                                   : weights_.has(prefix_ + legacy) ? legacy
                                                                    : name),
                        shape);
  }

 private:
  const Weights& weights_;
  std::string prefix_;
};

NormWeights load_norm(const Names& names, const std::string& at, const NetworkConfig& config, const Backend& backend) {
  const std::vector<int64_t> shape = {config.hidden_size};
  return {.gain = backend.upload(names.get_either(at + ".weight", at + ".gamma", shape)),
          .bias = backend.upload(names.get_either(at + ".bias", at + ".beta", shape)),
          .eps = config.layer_norm_eps};
}

LinearPart linear_part(const Names& names, const std::string& at, int64_t in, int64_t out) {
  return {.weight = names.get(at + ".weight", {out, in}), .bias = names.get(at + ".bias", {out})};
}

std::unique_ptr<Linear> load_linear(const Names& names, const std::string& at, int64_t in, int64_t out,
                                    const Backend& backend) {
  const LinearPart part = linear_part(names, at, in, out);
  return backend.make_linear({&part, 1});
}

std::unique_ptr<Linear> load_query_key_value(const Names& names, const std::string& at, int64_t hidden,
                                             const Backend& backend) {
  const LinearPart parts[] = {linear_part(names, at + ".query", hidden, hidden),
                              linear_part(names, at + ".key", hidden, hidden),
                              linear_part(names, at + ".value", hidden, hidden)};
  return backend.make_linear(parts);
}

EmbeddingTables load_tables(const Names& names, const NetworkConfig& config, const Backend& backend) {
  const auto table = [&](const char* name, int64_t rows) {
    return backend.upload(names.get(std::string("embeddings.") + name + ".weight", {rows, config.hidden_size}));
  };
  return {.words = table("word_embeddings", config.vocab_size),
          .positions = table("position_embeddings", config.max_position_embeddings),
          .types = table("token_type_embeddings", config.type_vocab_size),
          .hidden = config.hidden_size};
}

void check_indices(const std::vector<int32_t>& indices, const char* what, int64_t num_tokens, int64_t limit) {
  check(static_cast<int64_t>(indices.size()) == num_tokens, Code::kInternal, "encode: got {} {}s for {} tokens",
        indices.size(), what, num_tokens);
  for (size_t i = 0; i < indices.size(); ++i) {
    check(indices[i] >= 0 && indices[i] < limit, Code::kFormat, "encode: {} {} of token {}, expected 0 to {}", what,
          indices[i], i, limit - 1);
  }
}

void check_batch(const Batch& batch, const NetworkConfig& config) {
  const int64_t tokens = batch.num_tokens();
  check_indices(batch.ids, "token id", tokens, config.vocab_size);
  check_indices(batch.positions, "position", tokens, config.max_position_embeddings);
  check_indices(batch.types, "token type", tokens, config.type_vocab_size);
  const std::vector<int64_t>& offsets = batch.seq_offsets;
  check(!offsets.empty() && offsets.front() == 0 && offsets.back() == tokens &&
            std::is_sorted(offsets.begin(), offsets.end()),
        Code::kInternal, "encode: {} sequence offsets do not divide {} tokens", offsets.size(), tokens);
}

void check_selection(const LayerSelection& selection, int64_t num_layers) {
  check(!selection.layers.empty(), Code::kInvalidArgument, "layers: got none, expected at least one");
  for (const int64_t layer : selection.layers) {
    check(layer >= 0 && layer <= num_layers, Code::kInvalidArgument, "layers: got {}, expected 0 to {}", layer,
          num_layers);
  }
}

// Takes layers as they are computed and hands out their combination.
class Combination {
 public:
  Combination(Stream& stream, const LayerSelection& selection, MatrixView total)
      : stream_(stream), selection_(selection), total_(total) {}

  void offer(int64_t layer, MatrixView hidden) {
    const auto count = static_cast<int64_t>(selection_.layers.size());
    for (int64_t place = 0; place < count; ++place) {
      if (selection_.layers[static_cast<size_t>(place)] != layer) continue;
      const int64_t step = selection_.op == LayerOp::kConcat ? place : taken_;
      stream_.combine(hidden, selection_.op, step, count, total_);
      ++taken_;
    }
  }

 private:
  Stream& stream_;
  const LayerSelection& selection_;
  MatrixView total_;
  int64_t taken_ = 0;
};

}  // namespace

MatrixView EncoderScratch::matrix(const Backend& backend, Slot slot, int64_t rows, int64_t cols) {
  std::unique_ptr<Buffer>& buffer = slots_[slot];
  if (buffer == nullptr || buffer->size() < rows * cols) {
    buffer.reset();  // first, so that old and new never exist together
    buffer = backend.allocate(rows * cols);
  }
  return {.data = buffer->data(), .rows = rows, .cols = cols, .row_stride = cols};
}

struct Encoder::Layer {
  std::unique_ptr<Linear> query_key_value;   // [3 * hidden, hidden]
  std::unique_ptr<Linear> attention_output;  // [hidden, hidden]
  NormWeights attention_norm;
  std::unique_ptr<Linear> intermediate;  // [ffn, hidden]
  std::unique_ptr<Linear> output;        // [hidden, ffn]
  NormWeights output_norm;
};

Encoder::Encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend)
    : config_(config), backend_(backend) {
  const Names names(weights);
  const int64_t hidden = config.hidden_size;
  const int64_t ffn = config.intermediate_size;
  tables_ = load_tables(names, config, backend);
  embedding_norm_ = load_norm(names, "embeddings.LayerNorm", config, backend);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string at = "encoder.layer." + std::to_string(i) + ".";
    Layer layer;
    layer.query_key_value = load_query_key_value(names, at + "attention.self", hidden, backend);
    layer.attention_output = load_linear(names, at + "attention.output.dense", hidden, hidden, backend);
    layer.attention_norm = load_norm(names, at + "attention.output.LayerNorm", config, backend);
    layer.intermediate = load_linear(names, at + "intermediate.dense", hidden, ffn, backend);
    layer.output = load_linear(names, at + "output.dense", ffn, hidden, backend);
    layer.output_norm = load_norm(names, at + "output.LayerNorm", config, backend);
    layers_.push_back(std::move(layer));
  }
}

Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::run_layer(Stream& stream, const Layer& layer, const Batch& batch, MatrixView hidden,
                        EncoderScratch& scratch) const {
  const int64_t tokens = hidden.rows;
  const AttentionShape shape = {.num_heads = config_.num_attention_heads,
                                .head_dim = config_.head_dim(),
                                .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config_.head_dim())))};
  const auto scratch_matrix = [&](EncoderScratch::Slot slot, int64_t cols) {
    return scratch.matrix(backend_, slot, tokens, cols);
  };
  const MatrixView attended = scratch_matrix(EncoderScratch::kAttended, hidden.cols);
  const MatrixView projected = scratch_matrix(EncoderScratch::kProjected, hidden.cols);

  const MatrixView qkv = scratch_matrix(EncoderScratch::kWide, 3 * hidden.cols);
  stream.linear(hidden, *layer.query_key_value, Activation::kNone, qkv);
  stream.attention(qkv, batch.seq_offsets, shape, attended);
  stream.linear(attended, *layer.attention_output, Activation::kNone, projected);
  stream.norm(projected, hidden, layer.attention_norm, hidden);

  const MatrixView inner = scratch_matrix(EncoderScratch::kWide, config_.intermediate_size);
  stream.linear(hidden, *layer.intermediate, config_.hidden_act, inner);
  stream.linear(inner, *layer.output, Activation::kNone, projected);
  stream.norm(projected, hidden, layer.output_norm, hidden);
}

MatrixView Encoder::forward(Stream& stream, const Batch& batch, const LayerSelection& selection,
                            EncoderScratch& scratch) const {
  check_selection(selection, config_.num_hidden_layers);
  check_batch(batch, config_);
  const int64_t tokens = batch.num_tokens();
  const int64_t hidden_size = config_.hidden_size;
  const auto num_selected = static_cast<int64_t>(selection.layers.size());
  const int64_t width = selection.op == LayerOp::kConcat ? num_selected * hidden_size : hidden_size;
  if (tokens == 0) return {.data = nullptr, .rows = 0, .cols = width, .row_stride = width};

  // The slot shared by both wide products is sized once, for the wider, so that views into it stay valid.
  scratch.matrix(backend_, EncoderScratch::kWide, tokens, std::max(3 * hidden_size, config_.intermediate_size));
  const MatrixView hidden = scratch.matrix(backend_, EncoderScratch::kHidden, tokens, hidden_size);
  stream.embed(tables_, batch.ids, batch.positions, batch.types, hidden);
  stream.norm(hidden, {}, embedding_norm_, hidden);

  const int64_t last = *std::max_element(selection.layers.begin(), selection.layers.end());
  if (num_selected == 1) {
    for (int64_t i = 0; i < last; ++i) run_layer(stream, layers_[static_cast<size_t>(i)], batch, hidden, scratch);
    return hidden;
  }
  const MatrixView total = scratch.matrix(backend_, EncoderScratch::kCombined, tokens, width);
  Combination combination(stream, selection, total);
  combination.offer(0, hidden);
  for (int64_t i = 0; i < last; ++i) {
    run_layer(stream, layers_[static_cast<size_t>(i)], batch, hidden, scratch);
    combination.offer(i + 1, hidden);
  }
  return total;
}

}  // namespace emberline
