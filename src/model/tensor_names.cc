// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_names.h"

#include <string_view>

#include "base/error.h"

namespace emberline {
namespace {

void put_number(std::string& text, std::string_view place, int64_t number) {
  const size_t at = text.find(place);
  if (at != std::string::npos) text.replace(at, place.size(), std::to_string(number));
}

// Which set the pass of a set's layers takes; in floating point, as the reference divides.
int64_t set_of(const NetworkConfig& config, int64_t pass) {
  if (config.num_layer_sets == 0) return pass;
  const int64_t num_passes = config.num_hidden_layers / config.layers_per_set;
  return static_cast<int64_t>(static_cast<double>(pass) /
                              (static_cast<double>(num_passes) / static_cast<double>(config.num_layer_sets)));
}

LinearPart rows_of(const LinearPart& part, int64_t first, int64_t count) {
  LinearPart rows = {.weight = rows_of(part.weight, first, count), .bias = std::nullopt};
  if (part.bias) rows.bias = rows_of(*part.bias, first, count);
  return rows;
}

}  // namespace

TensorView rows_of(TensorView tensor, int64_t first, int64_t count) {
  tensor.data += first * (tensor.size() / tensor.shape[0]) * static_cast<int64_t>(dtype_bytes(tensor.dtype));
  tensor.shape[0] = count;
  tensor.name += " from row " + std::to_string(first);
  return tensor;
}

TensorNames::TensorNames(const Weights& weights, const NetworkConfig& config) : weights_(weights) {
  for (const char* name : {config.tensors.words, config.tensors.other_words}) {
    if (name == nullptr) continue;
    const std::string words = std::string(name) + config.tensors.words_ending;
    if (weights.has(words)) return;
    if (weights.has(config.tensors.prefix + words)) prefix_ = config.tensors.prefix;
  }
}

std::string words_name(const TensorNames& names, const NetworkConfig& config) {
  const TensorLayout& tensors = config.tensors;
  const bool has_other = tensors.other_words != nullptr && !names.has(std::string(tensors.words) + ".weight");
  return has_other && names.has(std::string(tensors.other_words) + ".weight") ? tensors.other_words : tensors.words;
}

const TensorView& TensorNames::get(const std::string& name, const std::vector<int64_t>& shape) const {
  return weights_.get(prefix_ + name, shape);
}

const TensorView& TensorNames::get_either(const std::string& name, const std::string& legacy,
                                          const std::vector<int64_t>& shape) const {
  const bool is_legacy = !weights_.has(prefix_ + name) && weights_.has(prefix_ + legacy);
  return get(is_legacy ? legacy : name, shape);
}

void TensorNames::require_none(const std::string& name) const {
  check(!weights_.has(prefix_ + name), Code::kFormat,
        "{}: holds tensor {}, which config.json says the network does not have: one of them belongs to another model",
        weights_.source(), prefix_ + name);
}

std::string layer_prefix(const NetworkConfig& config, int64_t layer) {
  std::string prefix = config.tensors.layer;
  put_number(prefix, "{layer}", layer);
  put_number(prefix, "{set}", set_of(config, layer / config.layers_per_set));
  put_number(prefix, "{place}", layer % config.layers_per_set);
  return prefix;
}

LinearPart linear_part(const TensorNames& names, const std::string& name, int64_t in, int64_t out, bool has_bias) {
  LinearPart part = {.weight = names.get(name + ".weight", {out, in}), .bias = std::nullopt};
  if (has_bias) {
    part.bias = names.get(name + ".bias", {out});
  } else {
    names.require_none(name + ".bias");
  }
  return part;
}

std::vector<LinearPart> query_key_value_parts(const NetworkConfig& config, const TensorNames& names, int64_t layer) {
  const TensorLayout& tensors = config.tensors;
  const std::string at = layer_prefix(config, layer);
  const int64_t hidden = config.hidden_size;
  const int64_t keys = config.key_size();
  if (tensors.query_key_value != nullptr) {
    const int64_t all = config.query_size() + 2 * keys;
    return {linear_part(names, at + tensors.query_key_value, hidden, all, config.query_bias)};
  }
  return {linear_part(names, at + tensors.query, hidden, config.query_size(), config.query_bias),
          linear_part(names, at + tensors.key, hidden, keys, config.query_bias),
          linear_part(names, at + tensors.value, hidden, keys, config.query_bias)};
}

std::vector<LinearPart> up_parts(const NetworkConfig& config, const TensorNames& names, int64_t layer) {
  const TensorLayout& tensors = config.tensors;
  const std::string at = layer_prefix(config, layer);
  const int64_t hidden = config.hidden_size;
  const int64_t ffn = config.intermediate_size;
  if (config.has_experts(layer)) {
    return {{.weight = names.get(at + tensors.experts_up, {config.num_experts * ffn, hidden}), .bias = std::nullopt}};
  }
  if (tensors.gate_and_up != nullptr) {
    return {linear_part(names, at + tensors.gate_and_up, hidden, 2 * ffn, config.up_bias)};
  }
  if (tensors.up_and_gate != nullptr) {
    const LinearPart both = linear_part(names, at + tensors.up_and_gate, hidden, 2 * ffn, config.up_bias);
    return {rows_of(both, ffn, ffn), rows_of(both, 0, ffn)};
  }
  std::vector<LinearPart> parts;
  if (config.gated) parts.push_back(linear_part(names, at + tensors.gate, hidden, ffn, config.up_bias));
  const char* up = config.gated && tensors.gated_up != nullptr ? tensors.gated_up : tensors.up;
  parts.push_back(linear_part(names, at + up, hidden, ffn, config.up_bias));
  return parts;
}

}  // namespace emberline
