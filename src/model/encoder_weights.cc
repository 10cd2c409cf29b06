// SPDX-License-Identifier: Apache-2.0
#include "model/encoder_weights.h"

#include <cmath>
#include <map>
#include <utility>

#include "base/convert.h"
#include "base/error.h"
#include "base/parallel.h"
#include "model/distance_bias.h"
#include "model/experts.h"
#include "model/relative_positions.h"
#include "model/rotation.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

using Factors = std::span<const float>;

class Loader {
 public:
  Loader(const NetworkConfig& config, const Weights& weights, const Backend& backend,
         std::span<const std::vector<float>> factors)
      : config_(config), names_(weights, config), backend_(backend), factors_(factors) {}

  Factors factors_of(int64_t norm) const {
    const auto at = static_cast<size_t>(norm);
    return at < factors_.size() ? Factors(factors_[at]) : Factors();
  }

  EmbeddingTables tables() const {
    const auto table = [&](const char* name, int64_t rows, const char* ending) -> std::unique_ptr<Buffer> {
      if (name == nullptr) return nullptr;
      if (rows == 0) {
        names_.require_none(std::string(name) + ending);
        return nullptr;
      }
      return backend_.upload(names_.get(std::string(name) + ending, {rows, config_.embedding_size}));
    };
    const double scale = config_.scaled_words ? std::sqrt(static_cast<double>(config_.hidden_size)) : 1;
    return {.words = table(words_name(names_, config_).c_str(), config_.vocab_size, config_.tensors.words_ending),
            .positions = table(config_.tensors.positions, config_.max_position_embeddings, ".weight"),
            .types = table(config_.tensors.types, config_.type_vocab_size, ".weight"),
            .hidden = config_.embedding_size,
            .word_scale = static_cast<float>(scale)};
  }

  NgramWeights ngrams() const { return load_ngrams(config_, names_, backend_); }

  std::unique_ptr<Linear> projection() const {
    if (!config_.projects_embeddings()) return nullptr;
    const LinearPart part =
        linear_part(names_, config_.tensors.embedding_projection, config_.embedding_size, config_.hidden_size, true);
    return backend_.make_dense(part);
  }

  std::unique_ptr<Buffer> distance_bias() const {
    const int64_t reach = config_.max_positions() - 1;
    if (config_.distance_slopes) {
      return upload("distance slopes", {config_.num_attention_heads, 2 * reach + 1},
                    slope_distance_bias(config_.num_attention_heads, reach));
    }
    if (config_.distance_buckets == 0) return nullptr;
    const TensorView& table = names_.get(std::string(config_.tensors.distance_bias) + ".weight",
                                         {config_.distance_buckets, config_.num_attention_heads});
    const std::vector<float> spread = spread_distance_bias(table, reach, config_.farthest_distance);
    return upload("distance bias", {config_.num_attention_heads, 2 * reach + 1}, spread);
  }

  std::unique_ptr<Buffer> rotation(const char* name, double theta, const RotationScaling& scaling) const {
    if (theta == 0) return nullptr;
    const int64_t positions = config_.max_positions();
    return upload(name, {positions, config_.head_dim()}, rotation_table(theta, positions, config_.head_dim(), scaling));
  }

  // [2 * span, hidden]: the table of relative positions under its norm; null for none.
  std::unique_ptr<Buffer> relative_positions() const {
    if (config_.relative.span == 0) return nullptr;
    const TensorLayout& tensors = config_.tensors;
    const int64_t hidden = config_.hidden_size;
    std::unique_ptr<Buffer> table = backend_.upload(
        names_.get(std::string(tensors.relative_positions) + ".weight", {2 * config_.relative.span, hidden}));
    if (!config_.relative.is_normed) return table;
    const std::string at = tensors.relative_norm;
    const NormWeights norm{.gain = backend_.upload(names_.get(at + ".weight", {hidden})),
                           .bias = backend_.upload(names_.get(at + ".bias", {hidden})),
                           .factors = nullptr,
                           .eps = config_.layer_norm_eps};
    std::unique_ptr<Buffer> normed = backend_.allocate(table->size());
    backend_.make_stream(1)->norm(relative_rows_of(*table), {}, norm, relative_rows_of(*normed), nullptr);
    return normed;
  }

  // What a layer makes of the table, once for all texts.
  std::unique_ptr<DistanceTerms> distance_terms(int64_t layer, const Buffer* table) const {
    if (table == nullptr) return nullptr;
    const RelativePositions& relative = config_.relative;
    const TensorLayout& tensors = config_.tensors;
    const std::string at = layer_prefix(config_, layer);
    const auto product = [&](bool is_there, const char* shared, const char* own) -> std::unique_ptr<Buffer> {
      if (!is_there) return nullptr;
      const std::string name = at + (relative.shares_products ? shared : own);
      const LinearPart part = linear_part(names_, name, config_.hidden_size, config_.hidden_size, true);
      std::unique_ptr<Buffer> rows = backend_.allocate(table->size());
      const std::unique_ptr<Linear> weights = backend_.make_dense(part);
      backend_.make_stream(1)->dense(relative_rows_of(*table), *weights, Activation::kNone, relative_rows_of(*rows));
      return rows;
    };
    DistanceTerms terms;
    terms.by_query = product(relative.by_query, tensors.key, tensors.relative_key);
    terms.by_key = product(relative.by_key, tensors.query, tensors.relative_query);
    terms.cols = config_.hidden_size;
    terms.reach = config_.max_positions() - 1;
    terms.row_of = relative_rows(relative, terms.reach);
    backend_.pack_terms(terms, config_.num_attention_heads);
    return std::make_unique<DistanceTerms>(std::move(terms));
  }

  // Null for factors of 1. The number keeps names apart where layers share a norm's tensors.
  std::unique_ptr<Buffer> upload_factors(int64_t norm) const {
    const Factors factors = factors_of(norm);
    if (factors.empty()) return nullptr;
    return upload(message("norm {} factors", norm), {config_.hidden_size}, factors);
  }

  NormWeights norm(int64_t index) const {
    NormWeights norm = norm_weights(norm_name(index), index == 0 ? config_.embedding_size : config_.hidden_size);
    if (index > 0 || !config_.projects_embeddings()) norm.factors = upload_factors(index);
    return norm;
  }

  LayerNorms layer_norms(int64_t layer) const {
    const TensorLayout& tensors = config_.tensors;
    const std::string at = layer_prefix(config_, layer);
    LayerNorms norms;
    if (tensors.attention_norm != nullptr)
      norms.attention = norm_weights(at + tensors.attention_norm, config_.hidden_size);
    if (tensors.feed_forward_norm != nullptr) {
      norms.feed_forward = norm_weights(at + tensors.feed_forward_norm, config_.hidden_size);
    }
    if (tensors.query_norm != nullptr) norms.query = gain(at + tensors.query_norm, config_.head_dim());
    if (tensors.key_norm != nullptr) norms.key = gain(at + tensors.key_norm, config_.head_dim());
    return norms;
  }

  LayerProducts products(int64_t layer, const Buffer* relative_positions) const {
    const TensorLayout& tensors = config_.tensors;
    const std::string at = layer_prefix(config_, layer);
    const int64_t hidden = config_.hidden_size;
    const std::vector<LinearPart> query_key_value = query_key_value_parts(config_, names_, layer);
    const LinearPart attention_output =
        linear_part(names_, at + tensors.attention_output, config_.query_size(), hidden, config_.attention_output_bias);
    LayerProducts products;
    products.query_key_value = backend_.make_linear(query_key_value, factors_of(2 * layer));
    products.attention_output = backend_.make_linear({&attention_output, 1}, {});
    products.distance_terms = distance_terms(layer, relative_positions);
    const Factors factors = factors_of(2 * layer + 1);
    if (config_.has_experts(layer)) {
      products.experts = load_experts(config_, names_, backend_, layer, factors);
      return products;
    }
    const std::vector<LinearPart> up = up_parts(config_, names_, layer);
    const LinearPart down =
        linear_part(names_, at + tensors.down, config_.intermediate_size, hidden, config_.down_bias);
    products.up = backend_.make_linear(up, factors);
    products.down = backend_.make_linear({&down, 1}, {});
    return products;
  }

 private:
  std::string norm_name(int64_t index) const {
    const TensorLayout& tensors = config_.tensors;
    if (index == 0) {
      return tensors.embedding_norm != nullptr ? tensors.embedding_norm : layer_prefix(config_, 0) + tensors.begin_norm;
    }
    const int64_t layer = (index - 1) / 2;
    if (index % 2 == 1) return layer_prefix(config_, layer) + tensors.middle_norm;
    if (!config_.norms_first) return layer_prefix(config_, layer) + tensors.end_norm;
    // What a layer leaves is normed where the next one begins.
    if (layer + 1 == config_.num_hidden_layers) return tensors.final_norm;
    return layer_prefix(config_, layer + 1) + tensors.begin_norm;
  }

  NormWeights norm_weights(const std::string& at, int64_t width) const {
    const std::vector<int64_t> shape = {width};
    NormWeights norm{.gain = gain(at, width), .bias = nullptr, .factors = nullptr, .eps = config_.layer_norm_eps};
    norm.is_rms = config_.rms_norms;
    if (config_.norm_bias) {
      norm.bias = backend_.upload(names_.get_either(at + ".bias", at + ".beta", shape));
    } else {
      names_.require_none(at + ".bias");
      if (!norm.is_rms) norm.bias = upload("no bias", shape, std::vector<float>(static_cast<size_t>(width)));
    }
    return norm;
  }

  std::unique_ptr<Buffer> gain(const std::string& at, int64_t width) const {
    const TensorView& weight = names_.get_either(at + ".weight", at + ".gamma", {width});
    if (!config_.gain_from_one) return backend_.upload(weight);
    std::vector<float> gain(static_cast<size_t>(width));
    convert_to_f32(weight, 0, width, gain.data());
    for (float& value : gain) value += 1;
    return upload(weight.name + " and one", {width}, gain);
  }

  MatrixView relative_rows_of(const Buffer& table) const {
    return {table.data(), 2 * config_.relative.span, config_.hidden_size, config_.hidden_size};
  }

  // Numbers that no tensor of the model holds; the name is for what the backend keeps.
  std::unique_ptr<Buffer> upload(std::string name, std::vector<int64_t> shape, std::span<const float> numbers) const {
    return backend_.upload(
        {std::move(name), DType::kF32, std::move(shape), reinterpret_cast<const std::byte*>(numbers.data())});
  }

  const NetworkConfig& config_;
  TensorNames names_;
  const Backend& backend_;
  std::span<const std::vector<float>> factors_;
};

}  // namespace

std::vector<int64_t> first_layers_with_weights(const NetworkConfig& config) {
  std::map<std::string, int64_t> first;
  std::vector<int64_t> layers;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers.push_back(first.emplace(layer_prefix(config, i), i).first->second);
  }
  return layers;
}

EncoderWeights load_encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend,
                            int64_t num_threads, std::span<const std::vector<float>> factors) {
  const Loader loader(config, weights, backend, factors);
  EncoderWeights encoder;
  encoder.tables = loader.tables();
  encoder.projection = loader.projection();
  encoder.ngrams = loader.ngrams();
  encoder.distance_bias = loader.distance_bias();
  encoder.rotation = loader.rotation("rotation", config.rotation_theta, config.rotation_scaling);
  encoder.local_rotation =
      loader.rotation("local rotation", config.local_rotation_theta, config.local_rotation_scaling);
  if (config.projects_embeddings()) encoder.projection_factors = loader.upload_factors(0);
  if (config.num_hidden_layers == 0) return encoder;
  encoder.norms.reserve(static_cast<size_t>(2 * config.num_hidden_layers + 1));
  for (int64_t norm = 0; norm <= 2 * config.num_hidden_layers; ++norm) encoder.norms.push_back(loader.norm(norm));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) encoder.layer_norms.push_back(loader.layer_norms(i));

  std::vector<int64_t> own;  // layers whose weights no earlier one has
  const std::vector<int64_t> first = first_layers_with_weights(config);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const int64_t source = first[static_cast<size_t>(i)];
    if (source == i) own.push_back(i);
    encoder.products_of.push_back(source == i ? static_cast<int64_t>(own.size()) - 1
                                              : encoder.products_of[static_cast<size_t>(source)]);
  }
  encoder.products.resize(own.size());
  const std::unique_ptr<Buffer> relative_positions = loader.relative_positions();
  run_parallel(static_cast<int64_t>(own.size()), num_threads, [&](int64_t i) {
    encoder.products[static_cast<size_t>(i)] = loader.products(own[static_cast<size_t>(i)], relative_positions.get());
  });
  std::vector<Linear*> order;
  for (const int64_t i : encoder.products_of) {
    const LayerProducts& layer = encoder.products[static_cast<size_t>(i)];
    order.insert(order.end(), {layer.query_key_value.get(), layer.attention_output.get()});
    // Which experts come next is known too late.
    if (layer.experts == nullptr) order.insert(order.end(), {layer.up.get(), layer.down.get()});
  }
  backend.set_reading_order(order);
  return encoder;
}

}  // namespace emberline
