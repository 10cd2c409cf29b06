// SPDX-License-Identifier: Apache-2.0
#include "model/encoder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace emberline {
namespace {

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
  check_indices(batch.positions, "position", tokens, config.max_positions());
  // A network without types takes any: a tokenizer may number them all the same.
  if (config.type_vocab_size > 0) check_indices(batch.types, "token type", tokens, config.type_vocab_size);
  const std::vector<int64_t>& offsets = batch.seq_offsets;
  check(!offsets.empty() && offsets.front() == 0 && offsets.back() == tokens &&
            std::is_sorted(offsets.begin(), offsets.end()),
        Code::kInternal, "encode: {} sequence offsets do not divide {} tokens", offsets.size(), tokens);
}

// Rows of the position table: the only place that knows of a family's offset. Where positions begin behind the padding
// token's, a token of that id stays on it and is not counted, wherever it stands.
std::span<const int32_t> position_rows(const Batch& batch, int64_t padding, std::vector<int32_t>& rows) {
  if (padding < 0) return batch.positions;
  rows.resize(batch.positions.size());
  for (size_t s = 0; s + 1 < batch.seq_offsets.size(); ++s) {
    auto first = static_cast<int32_t>(padding + 1);
    for (auto t = static_cast<size_t>(batch.seq_offsets[s]); t < static_cast<size_t>(batch.seq_offsets[s + 1]); ++t) {
      const bool is_padding = batch.ids[t] == padding;
      rows[t] = is_padding ? static_cast<int32_t>(padding) : batch.positions[t] + first;
      if (is_padding) --first;
    }
  }
  return rows;
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

// What one pass works on.
struct Encoder::Run {
  Stream& stream;
  const Batch& batch;
  NormObserver* observer;
  MatrixView hidden;     // [num_tokens, hidden]
  MatrixView projected;  // the same size: what a block adds to hidden
  MatrixView normed;     // the same size: hidden under its norm; hidden itself where norms come last
  Operand& operand;      // `normed` as the next product reads it
  Operand& attended;
};

Encoder::Encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend, int64_t num_threads,
                 std::span<const std::vector<float>> factors)
    : config_(config), backend_(backend), weights_(load_encoder(config, weights, backend, num_threads, factors)) {}

Encoder::~Encoder() = default;
Encoder::Encoder(Encoder&&) noexcept = default;

void Encoder::embed(const Run& run, EncoderScratch& scratch, bool feeds) const {
  if (!config_.ngrams.empty()) {
    const NgramPass pass = {config_, weights_.tables, weights_.ngrams, backend_};
    pass.run(run.stream, run.batch, scratch, run.hidden);
    return;
  }
  const std::span<const int32_t> positions =
      position_rows(run.batch, config_.padding_position, scratch.position_rows());
  if (weights_.projection == nullptr) {
    run.stream.embed(weights_.tables, run.batch.ids, positions, run.batch.types, run.hidden);
    if (weights_.norms.empty()) return;
    const NormWeights& norm = weights_.norms[0];
    // Without a norm of their own embeddings stay as they are, and the first attention reads them normed.
    const bool is_own = config_.tensors.embedding_norm != nullptr;
    if (is_own || feeds) {
      run.stream.norm(run.hidden, {}, norm, is_own ? run.hidden : run.normed, feeds ? &run.operand : nullptr);
    }
    if (!is_own) {
      if (feeds && run.observer != nullptr) run.observer->see(0, run.normed);
      return;
    }
  } else {
    const NormWeights& norm = weights_.norms[0];
    const MatrixView narrow =
        scratch.matrix(backend_, EncoderScratch::kEmbedded, run.hidden.rows, config_.embedding_size);
    run.stream.embed(weights_.tables, run.batch.ids, positions, run.batch.types, narrow);
    run.stream.norm(narrow, {}, norm, narrow, nullptr);
    run.stream.dense(narrow, *weights_.projection, Activation::kNone, run.hidden);
    if (feeds) run.stream.to_operand(run.hidden, weights_.projection_factors.get(), run.operand);
  }
  if (run.observer != nullptr) run.observer->see(0, run.hidden);
}

AttentionShape Encoder::attention_shape(int64_t layer) const {
  // DeBERTa divides by the root of as many more sizes of a head as it adds terms.
  const int64_t num_terms = 1 + (config_.relative.by_query ? 1 : 0) + (config_.relative.by_key ? 1 : 0);
  const double scale = config_.attention_scale > 0 ? config_.attention_scale
                                                   : 1 / std::sqrt(static_cast<double>(config_.head_dim() * num_terms));
  AttentionShape shape = {
      .num_heads = config_.num_attention_heads, .head_dim = config_.head_dim(), .scale = static_cast<float>(scale)};
  shape.distance_bias = weights_.distance_bias.get();
  shape.bias_reach = config_.max_positions() - 1;
  const bool is_local = config_.is_local(layer);
  const bool turns_otherwise = is_local && weights_.local_rotation != nullptr;
  shape.rotation = turns_otherwise ? weights_.local_rotation.get() : weights_.rotation.get();
  if (is_local) shape.window = config_.window;
  const LayerNorms& norms = weights_.layer_norms[static_cast<size_t>(layer)];
  shape.num_kv_heads = config_.num_key_value_heads;
  shape.causal = config_.causal;
  shape.query_norm = norms.query.get();
  shape.key_norm = norms.key.get();
  shape.norm_eps = config_.layer_norm_eps;
  shape.distance_terms = weights_.layer(layer).distance_terms.get();
  return shape;
}

// What a block gave is added to hidden, itself normed first by `given` where there is one, and the sum is normed where
// a product or the caller reads it.
void Encoder::leave_block(const Run& run, const NormWeights& given, int64_t norm, bool feeds) const {
  if (given.gain != nullptr) run.stream.norm(run.projected, {}, given, run.projected, nullptr);
  const NormWeights& weights = weights_.norms[static_cast<size_t>(norm)];
  Operand* operand = feeds ? &run.operand : nullptr;
  if (!config_.norms_first) {
    run.stream.norm(run.projected, run.hidden, weights, run.hidden, operand);
  } else {
    run.stream.combine(run.projected, LayerOp::kSum, 1, 2, run.hidden);
    if (!feeds && norm < 2 * config_.num_hidden_layers) return;
    run.stream.norm(run.hidden, {}, weights, run.normed, operand);
  }
  if (run.observer != nullptr) run.observer->see(norm, run.normed);
}

// Layer `index`, and its hidden state as the reference shows it.
MatrixView Encoder::run_layer(const Run& run, int64_t index, bool is_last) const {
  const LayerProducts& layer = weights_.layer(index);
  Stream& stream = run.stream;
  stream.self_attention(run.operand, *layer.query_key_value, run.batch.seq_offsets, attention_shape(index),
                        run.attended);
  stream.linear(run.attended, *layer.attention_output, Activation::kNone, run.projected);
  const LayerNorms& norms = weights_.layer_norms[static_cast<size_t>(index)];
  leave_block(run, norms.attention, 2 * index + 1, true);
  if (layer.experts != nullptr) {
    const Buffer* factors = weights_.norms[static_cast<size_t>(2 * index + 1)].factors.get();
    stream.routed_feed_forward(run.normed, factors, *layer.experts, config_.hidden_act, run.projected);
  } else if (config_.gated) {
    stream.gated_feed_forward(run.operand, *layer.up, config_.hidden_act, *layer.down, run.projected);
  } else {
    stream.feed_forward(run.operand, *layer.up, config_.hidden_act, *layer.down, run.projected);
  }
  leave_block(run, norms.feed_forward, 2 * index + 2, !is_last);
  return index + 1 == config_.num_hidden_layers ? run.normed : run.hidden;
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
  const auto slot = [&](EncoderScratch::Slot name) { return scratch.matrix(backend_, name, tokens, hidden_size); };
  const MatrixView hidden = slot(EncoderScratch::kHidden);
  const Run run = {.stream = stream,
                   .batch = batch,
                   .observer = observer,
                   .hidden = hidden,
                   .projected = last > 0 ? slot(EncoderScratch::kProjected) : MatrixView(),
                   .normed = config_.norms_first ? slot(EncoderScratch::kNormedHidden) : hidden,
                   .operand = scratch.operand(backend_, EncoderScratch::kNormed),
                   .attended = scratch.operand(backend_, EncoderScratch::kAttended)};
  embed(run, scratch, last > 0);
  MatrixView state = run.hidden;
  if (num_selected == 1) {
    for (int64_t i = 0; i < last; ++i) state = run_layer(run, i, i + 1 == last);
    return state;
  }
  const MatrixView total = scratch.matrix(backend_, EncoderScratch::kCombined, tokens, width);
  Combination combination(stream, selection, total);
  combination.offer(0, state);
  for (int64_t i = 0; i < last; ++i) combination.offer(i + 1, run_layer(run, i, i + 1 == last));
  return total;
}

}  // namespace emberline
