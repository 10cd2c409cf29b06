// SPDX-License-Identifier: Apache-2.0
#include "model/encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

using Factors = std::span<const float>;

NormWeights load_norm(const TensorNames& names, const std::string& at, const NetworkConfig& config,
                      const Backend& backend, Factors factors) {
  const std::vector<int64_t> shape = {config.hidden_size};
  NormWeights norm{.gain = backend.upload(names.get_either(at + ".weight", at + ".gamma", shape)),
                   .bias = backend.upload(names.get_either(at + ".bias", at + ".beta", shape)),
                   .factors = nullptr,
                   .eps = config.layer_norm_eps};
  if (!factors.empty()) {
    norm.factors =
        backend.upload({at + ".factors", DType::kF32, shape, reinterpret_cast<const std::byte*>(factors.data())});
  }
  return norm;
}

LinearPart linear_part(const TensorNames& names, const std::string& at, int64_t in, int64_t out) {
  return {.weight = names.get(at + ".weight", {out, in}), .bias = names.get(at + ".bias", {out})};
}

std::unique_ptr<Linear> load_linear(const TensorNames& names, const std::string& at, int64_t in, int64_t out,
                                    const Backend& backend, Factors factors) {
  const LinearPart part = linear_part(names, at, in, out);
  return backend.make_linear({&part, 1}, factors);
}

std::unique_ptr<Linear> load_query_key_value(const TensorNames& names, const std::string& at, int64_t hidden,
                                             const Backend& backend, Factors factors) {
  const LinearPart parts[] = {linear_part(names, at + ".query", hidden, hidden),
                              linear_part(names, at + ".key", hidden, hidden),
                              linear_part(names, at + ".value", hidden, hidden)};
  return backend.make_linear(parts, factors);
}

EmbeddingTables load_tables(const TensorNames& names, const NetworkConfig& config, const Backend& backend) {
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

Operand& EncoderScratch::operand(const Backend& backend, OperandSlot slot) {
  std::unique_ptr<Operand>& operand = operands_[slot];
  if (operand == nullptr) operand = backend.make_operand();
  return *operand;
}

struct Encoder::Layer {
  std::unique_ptr<Linear> query_key_value;   // [3 * hidden, hidden]
  std::unique_ptr<Linear> attention_output;  // [hidden, hidden]
  NormWeights attention_norm;
  std::unique_ptr<Linear> intermediate;  // [ffn, hidden]
  std::unique_ptr<Linear> output;        // [hidden, ffn]
  NormWeights output_norm;
};

// What one pass works on.
struct Encoder::Run {
  Stream& stream;
  const Batch& batch;
  NormObserver* observer;
  MatrixView hidden;     // [num_tokens, hidden]
  MatrixView projected;  // the same size: what a block adds to hidden
  Operand& normed;       // hidden as the next product reads it
  Operand& attended;

  // hidden = norm(added + hidden); `feeds` a product or nothing.
  void norm(int64_t index, MatrixView x, MatrixView residual, const NormWeights& weights, bool feeds) const {
    stream.norm(x, residual, weights, hidden, feeds ? &normed : nullptr);
    if (observer != nullptr) observer->see(index, hidden);
  }
};

Encoder::Encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend, int64_t num_threads,
                 std::span<const std::vector<float>> factors)
    : config_(config), backend_(backend) {
  const TensorNames names(weights);
  const int64_t hidden = config.hidden_size;
  const int64_t ffn = config.intermediate_size;
  const auto factors_of = [&](int64_t norm) {
    const auto at = static_cast<size_t>(norm);
    return at < factors.size() ? Factors(factors[at]) : Factors();
  };
  tables_ = load_tables(names, config, backend);
  embedding_norm_ = load_norm(names, "embeddings.LayerNorm", config, backend, factors_of(0));
  layers_.resize(static_cast<size_t>(config.num_hidden_layers));
  run_parallel(config.num_hidden_layers, num_threads, [&](int64_t i) {
    const std::string at = "encoder.layer." + std::to_string(i) + ".";
    const Factors before = factors_of(2 * i);
    const Factors between = factors_of(2 * i + 1);
    Layer& layer = layers_[static_cast<size_t>(i)];
    layer.query_key_value = load_query_key_value(names, at + "attention.self", hidden, backend, before);
    layer.attention_output = load_linear(names, at + "attention.output.dense", hidden, hidden, backend, {});
    layer.attention_norm = load_norm(names, at + "attention.output.LayerNorm", config, backend, between);
    layer.intermediate = load_linear(names, at + "intermediate.dense", hidden, ffn, backend, between);
    layer.output = load_linear(names, at + "output.dense", ffn, hidden, backend, {});
    layer.output_norm = load_norm(names, at + "output.LayerNorm", config, backend, factors_of(2 * i + 2));
  });
  std::vector<Linear*> order;
  for (const Layer& layer : layers_) {
    order.insert(order.end(), {layer.query_key_value.get(), layer.attention_output.get(), layer.intermediate.get(),
                               layer.output.get()});
  }
  backend.set_reading_order(order);
}

Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::run_layer(const Run& run, int64_t index, bool is_last) const {
  const Layer& layer = layers_[static_cast<size_t>(index)];
  const AttentionShape shape = {.num_heads = config_.num_attention_heads,
                                .head_dim = config_.head_dim(),
                                .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config_.head_dim())))};
  Stream& stream = run.stream;
  stream.self_attention(run.normed, *layer.query_key_value, run.batch.seq_offsets, shape, run.attended);
  stream.linear(run.attended, *layer.attention_output, run.projected);
  run.norm(2 * index + 1, run.projected, run.hidden, layer.attention_norm, true);
  stream.feed_forward(run.normed, *layer.intermediate, config_.hidden_act, *layer.output, run.projected);
  run.norm(2 * index + 2, run.projected, run.hidden, layer.output_norm, !is_last);
}

MatrixView Encoder::forward(Stream& stream, const Batch& batch, const LayerSelection& selection,
                            EncoderScratch& scratch, NormObserver* observer) const {
  check_selection(selection, config_.num_hidden_layers);
  check_batch(batch, config_);
  const int64_t tokens = batch.num_tokens();
  const int64_t hidden_size = config_.hidden_size;
  const auto num_selected = static_cast<int64_t>(selection.layers.size());
  const int64_t width = selection.op == LayerOp::kConcat ? num_selected * hidden_size : hidden_size;
  if (tokens == 0) return {.data = nullptr, .rows = 0, .cols = width, .row_stride = width};

  const int64_t last = *std::max_element(selection.layers.begin(), selection.layers.end());
  const Run run = {.stream = stream,
                   .batch = batch,
                   .observer = observer,
                   .hidden = scratch.matrix(backend_, EncoderScratch::kHidden, tokens, hidden_size),
                   .projected = scratch.matrix(backend_, EncoderScratch::kProjected, tokens, hidden_size),
                   .normed = scratch.operand(backend_, EncoderScratch::kNormed),
                   .attended = scratch.operand(backend_, EncoderScratch::kAttended)};
  stream.embed(tables_, batch.ids, batch.positions, batch.types, run.hidden);
  run.norm(0, run.hidden, {}, embedding_norm_, last > 0);
  if (num_selected == 1) {
    for (int64_t i = 0; i < last; ++i) run_layer(run, i, i + 1 == last);
    return run.hidden;
  }
  const MatrixView total = scratch.matrix(backend_, EncoderScratch::kCombined, tokens, width);
  Combination combination(stream, selection, total);
  combination.offer(0, run.hidden);
  for (int64_t i = 0; i < last; ++i) {
    run_layer(run, i, i + 1 == last);
    combination.offer(i + 1, run.hidden);
  }
  return total;
}

}  // namespace emberline
