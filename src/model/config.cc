// SPDX-License-Identifier: Apache-2.0
#include "model/config.h"

#include <cmath>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/reasons.h"
#include "model/activations.h"
#include "model/classifier_config.h"
#include "model/families.h"
#include "model/json_value.h"
#include "model/local_layers.h"
#include "model/modules.h"
#include "model/ngram_network.h"
#include "model/relative_positions.h"
#include "model/rotation.h"
#include "model/static_table.h"
#include "model/task_adapters.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostTokenIds = (int64_t{1} << 31) - 1;

// Null keys are those that the family does not have.
void read_integer(const JsonValue& file, const char* key, int64_t least, int64_t most, int64_t& out) {
  if (key == nullptr) return;
  if (const auto value = file.find(key)) out = value->integer(least, most);
}

void read_boolean(const JsonValue& file, const char* key, bool& out) {
  if (key == nullptr) return;
  if (const auto value = file.find(key)) out = value->boolean();
}

void read_eps(const JsonValue& file, const char* key, float& out) {
  if (key == nullptr) return;
  const auto value = file.find(key);
  if (!value) return;
  const double eps = value->number();
  if (!(eps > 0 && eps < 1) || static_cast<float>(eps) == 0) value->refuse("a number between 0 and 1");
  out = static_cast<float>(eps);
}

void refuse_other_mechanics(const JsonValue& file, const Family& family, Reasons& reasons) {
  for (const ExpectedValue& expected : family.expected) {
    const auto value = file.find(expected.key);
    reasons.attempt([&] {
      check(!value || value->shown() == expected.shown, Code::kUnsupported, "{}: {}: got {}, supported: {}",
            file.where(), expected.key, value ? value->shown() : "", expected.shown);
    });
  }
  if (const auto value = file.find("position_embedding_type")) {
    reasons.attempt([&] {
      check(value->text() == family.position_embedding_type, Code::kUnsupported, "{}: got {}, supported: \"{}\"",
            value->where(), value->shown(), family.position_embedding_type);
    });
  }
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    const auto value = file.find(key);
    reasons.attempt([&] {
      check(!value || !value->boolean(), Code::kUnsupported, "{}: {}: got true, supported: false", file.where(), key);
    });
  }
  reasons.attempt([&] {
    check(!file.find("quantization_config"), Code::kUnsupported,
          "{}: quantization_config: quantised weights are not supported", file.where());
  });
}

void read_attention(const JsonValue& file, const ConfigKeys& keys, NetworkConfig& network) {
  read_integer(file, keys.num_attention_heads, 1, 1 << 12, network.num_attention_heads);
  read_integer(file, keys.num_key_value_heads, 1, 1 << 12, network.num_key_value_heads);
  if (keys.num_key_value_heads != nullptr && file.has_null(keys.num_key_value_heads)) network.num_key_value_heads = 0;
  read_integer(file, keys.head_size, 1, 1 << 12, network.head_size);
  if (const auto value = keys.attention_divisor != nullptr ? file.find(keys.attention_divisor) : std::nullopt) {
    const double divisor = value->number();
    if (!(divisor > 0) || !std::isfinite(divisor)) value->refuse("a number above 0");
    network.attention_scale = 1 / std::sqrt(divisor);
  }
  bool is_bidirectional = !network.causal;
  read_boolean(file, keys.bidirectional, is_bidirectional);
  network.causal = !is_bidirectional;
}

void read_feed_forward(const JsonValue& file, const ConfigKeys& keys, NetworkConfig& network) {
  read_integer(file, keys.intermediate_size, 1, 1 << 20, network.intermediate_size);
  if (const auto value = keys.hidden_act != nullptr ? file.find(keys.hidden_act) : std::nullopt) {
    network.hidden_act = hidden_activation(value->text(), value->where());
  }
  const auto both = keys.feed_forward != nullptr ? file.find(keys.feed_forward) : std::nullopt;
  if (!both) return;
  const std::string name = both->text();
  constexpr std::string_view kGated = "gated-";
  network.gated = name.starts_with(kGated);
  // The reference takes another gelu than that of this name.
  const std::string activation = name == "gated-gelu" ? "gelu_new" : name.substr(network.gated ? kGated.size() : 0);
  network.hidden_act = hidden_activation(activation, both->where());
}

// What single keys cannot say: two of them that do not go together.
void check_network(const JsonValue& file, const ConfigKeys& keys, const NetworkConfig& network) {
  check(network.head_size > 0 || network.hidden_size % network.num_attention_heads == 0, Code::kFormat,
        "{}: {} {} is not a multiple of {} {}", file.where(), keys.hidden_size, network.hidden_size,
        keys.num_attention_heads, network.num_attention_heads);
  check(network.query_size() % network.key_size() == 0, Code::kFormat, "{}: {} {} is not a multiple of {} {}",
        file.where(), keys.num_attention_heads, network.num_attention_heads,
        keys.num_key_value_heads != nullptr ? keys.num_key_value_heads : "", network.num_key_value_heads);
  check(network.max_positions() > 0, Code::kFormat,
        "{}: {}: got {}, expected more than {}: positions begin behind that of the padding token, {}", file.where(),
        keys.max_position_embeddings, network.max_position_embeddings, network.padding_position + 1,
        network.padding_position);
  check(network.padding_position < network.vocab_size, Code::kFormat,
        "{}: {}: got {}, expected less than vocab_size {}", file.where(),
        keys.padding_position != nullptr ? keys.padding_position : "padding", network.padding_position,
        network.vocab_size);
  check(network.experts_of_token <= network.num_experts, Code::kFormat, "{}: {}: got {}, expected at most {} of {}",
        file.where(), keys.experts_of_token, network.experts_of_token, network.num_experts, keys.num_experts);
  const bool counts_buckets = keys.farthest_distance != nullptr;
  check(counts_buckets || network.distance_buckets == 0 || network.distance_buckets == 32, Code::kUnsupported,
        "{}: {}: got {}, supported: 32, which the reference counts with whatever stands here", file.where(),
        keys.distance_buckets, network.distance_buckets);
  // Buckets of one distance each, half of those of a direction, must end before the farthest.
  check(!counts_buckets || (network.distance_buckets >= 4 && network.farthest_distance > network.distance_buckets / 4),
        Code::kFormat, "{}: {}: got {} and {} {}, expected at least 4 buckets, and a distance above a quarter of them",
        file.where(), keys.distance_buckets, network.distance_buckets, keys.farthest_distance,
        network.farthest_distance);
}

NetworkConfig read_network(const JsonValue& file, const Family& family) {
  const ConfigKeys& keys = family.keys;
  NetworkConfig network = family.defaults;
  read_integer(file, "vocab_size", 1, kMostTokenIds, network.vocab_size);
  read_integer(file, keys.hidden_size, 1, 1 << 16, network.hidden_size);
  read_integer(file, keys.embedding_size, 1, 1 << 16, network.embedding_size);
  if (network.embedding_size == 0) network.embedding_size = network.hidden_size;
  read_integer(file, keys.num_hidden_layers, 1, 1 << 10, network.num_hidden_layers);
  read_integer(file, keys.num_layer_sets, 1, network.num_hidden_layers, network.num_layer_sets);
  read_integer(file, keys.layers_per_set, 1, 1 << 10, network.layers_per_set);
  network.num_hidden_layers *= network.layers_per_set;
  read_attention(file, keys, network);
  read_feed_forward(file, keys, network);
  read_integer(file, keys.max_position_embeddings, 1, 1 << 24, network.max_position_embeddings);
  read_integer(file, keys.padding_position, 0, kMostTokenIds, network.padding_position);
  read_integer(file, keys.distance_buckets, 1, 1 << 16, network.distance_buckets);
  read_integer(file, keys.farthest_distance, 1, 1 << 24, network.farthest_distance);
  // GTE has sizes without types at all, and DeBERTa's have them as the exception.
  const bool may_lack_types = network.rotation_theta > 0 || network.type_vocab_size == 0;
  read_integer(file, keys.type_vocab_size, may_lack_types ? 0 : 1, 1 << 16, network.type_vocab_size);
  read_integer(file, keys.expert_interval, 0, 1 << 10, network.expert_interval);
  read_integer(file, keys.num_experts, 1, 1 << 12, network.num_experts);
  read_integer(file, keys.experts_of_token, 1, 1 << 12, network.experts_of_token);
  read_eps(file, keys.layer_norm_eps, network.layer_norm_eps);
  read_boolean(file, keys.norm_bias, network.norm_bias);
  read_boolean(file, keys.attention_bias, network.query_bias);
  read_boolean(file, keys.attention_bias, network.attention_output_bias);
  read_boolean(file, keys.up_bias, network.up_bias);
  read_boolean(file, keys.down_bias, network.down_bias);
  check_network(file, keys, network);
  read_local_layers(file, family, network);
  read_rotation(file, family, network);
  if (family.has_relative_positions) read_relative_positions(file, network);
  return network;
}

// Without modules.json. The last token of a decoder has seen all others.
Pooling default_pooling(const JsonValue& file) {
  const auto classes = file.find("architectures");
  const auto is_causal = file.find("is_causal");
  if (!classes || !classes->is_array() || classes->items().empty()) return Pooling::kMean;
  if (is_causal && !is_causal->boolean()) return Pooling::kMean;
  return classes->items().front().text().ends_with("ForCausalLM") ? Pooling::kLast : Pooling::kMean;
}

}  // namespace

ModelConfig read_model_config(const fs::path& directory) {
  std::error_code ignored;
  check(is_there(directory), Code::kIo, "{}: no such directory", directory.string());
  check(fs::is_directory(directory, ignored), Code::kIo, "{}: is a file, expected the directory of a model",
        directory.string());
  ModelConfig config;
  config.directory = directory;
  const bool with_modules = is_there(directory / "modules.json");
  check(with_modules || is_there(directory / "config.json"), Code::kIo,
        "{}: not a model: looked for config.json and modules.json", directory.string());
  if (with_modules) {
    read_modules(config);
  } else {
    config.network_directory = directory;
    config.prompts = {{"query", ""}, {"document", ""}};
  }
  if (!with_modules) {
    const JsonValue file = JsonValue::read(directory / "config.json");
    if (is_model2vec(file)) read_model2vec(file, config);
    if (is_ngram_network(file)) {
      read_ngram_network(file, config);
      return config;
    }
  }
  if (!config.has_network) {
    config.network = read_static_network(config.network_directory);
    config.max_tokens = config.max_tokens > 0 ? config.max_tokens : config.network.max_positions();
    check_head(config);
    return config;
  }
  check(!is_there(config.network_directory / "adapter_config.json"), Code::kUnsupported,
        "{}: holds adapter_config.json: merge the adapter into its model first", config.network_directory.string());
  check(is_there(config.network_directory / "config.json"), Code::kIo,
        "{}: not a model: modules.json puts the Transformer here, but config.json is missing",
        config.network_directory.string());
  const JsonValue file = JsonValue::read(config.network_directory / "config.json");
  const Family& family = find_family(file);
  check(
      config.own_transformer.empty() || family.has_own_transformer, Code::kUnsupported,
      "{}: names code that lies beside the model, which is never run; what it does is known of other families, not of "
      "model_type {}",
      config.own_transformer, family.defaults.model_type);
  Reasons reasons;
  refuse_other_mechanics(file, family, reasons);
  reasons.attempt([&] { config.network = read_network(file, family); });
  reasons.attempt([&] { read_task_adapters(file, config); });
  reasons.raise(file.where());
  read_classifier(file, family, config);
  if (!with_modules) config.pooling = default_pooling(file);
  check_head(config);
  read_token_limits(config, with_modules);
  return config;
}

}  // namespace emberline
