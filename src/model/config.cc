// SPDX-License-Identifier: Apache-2.0
#include "model/config.h"

#include "base/error.h"
#include "base/reasons.h"
#include "model/activations.h"
#include "model/families.h"
#include "model/json_value.h"
#include "model/modules.h"
#include "model/rotation.h"

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
      check(value->text() == "absolute", Code::kUnsupported, "{}: got {}, supported: \"absolute\"", value->where(),
            value->shown());
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

// What single keys cannot say: two of them that do not go together.
void check_network(const JsonValue& file, const ConfigKeys& keys, const NetworkConfig& network) {
  check(network.hidden_size % network.num_attention_heads == 0, Code::kFormat, "{}: {} {} is not a multiple of {} {}",
        file.where(), keys.hidden_size, network.hidden_size, keys.num_attention_heads, network.num_attention_heads);
  check(network.max_positions() > 0, Code::kFormat,
        "{}: {}: got {}, expected more than {}: positions begin behind that of the padding token, {}", file.where(),
        keys.max_position_embeddings, network.max_position_embeddings, network.padding_position + 1,
        network.padding_position);
  check(network.padding_position < network.vocab_size, Code::kFormat,
        "{}: {}: got {}, expected less than vocab_size {}", file.where(),
        keys.padding_position != nullptr ? keys.padding_position : "padding", network.padding_position,
        network.vocab_size);
  check(network.distance_buckets == 0 || network.distance_buckets == 32, Code::kUnsupported,
        "{}: {}: got {}, supported: 32, which the reference counts with whatever stands here", file.where(),
        keys.distance_buckets, network.distance_buckets);
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
  read_integer(file, keys.num_attention_heads, 1, 1 << 12, network.num_attention_heads);
  read_integer(file, keys.intermediate_size, 1, 1 << 20, network.intermediate_size);
  read_integer(file, keys.max_position_embeddings, 1, 1 << 24, network.max_position_embeddings);
  read_integer(file, keys.padding_position, 0, kMostTokenIds, network.padding_position);
  read_integer(file, keys.distance_buckets, 1, 1 << 16, network.distance_buckets);
  // GTE has sizes without types at all.
  read_integer(file, keys.type_vocab_size, network.rotation_theta > 0 ? 0 : 1, 1 << 16, network.type_vocab_size);
  read_eps(file, keys.layer_norm_eps, network.layer_norm_eps);
  read_boolean(file, keys.norm_bias, network.norm_bias);
  read_boolean(file, keys.attention_bias, network.query_bias);
  read_boolean(file, keys.attention_bias, network.attention_output_bias);
  read_boolean(file, keys.up_bias, network.up_bias);
  read_boolean(file, keys.down_bias, network.down_bias);
  if (const auto value = keys.hidden_act != nullptr ? file.find(keys.hidden_act) : std::nullopt) {
    network.hidden_act = hidden_activation(value->text(), value->where());
  }
  check_network(file, keys, network);
  read_rotation(file, keys, network);
  return network;
}

}  // namespace

ModelConfig read_model_config(const fs::path& directory) {
  std::error_code ignored;
  check(fs::exists(directory, ignored), Code::kIo, "{}: no such directory", directory.string());
  check(fs::is_directory(directory, ignored), Code::kIo, "{}: is a file, expected the directory of a model",
        directory.string());
  ModelConfig config;
  config.directory = directory;
  const bool with_modules = fs::exists(directory / "modules.json", ignored);
  check(with_modules || fs::exists(directory / "config.json", ignored), Code::kIo,
        "{}: not a model: looked for config.json and modules.json", directory.string());
  if (with_modules) {
    read_modules(config);
  } else {
    config.network_directory = directory;
    config.prompts = {{"query", ""}, {"document", ""}};
  }
  check(!fs::exists(config.network_directory / "adapter_config.json", ignored), Code::kUnsupported,
        "{}: holds adapter_config.json: merge the adapter into its model first", config.network_directory.string());
  check(fs::exists(config.network_directory / "config.json", ignored), Code::kIo,
        "{}: not a model: modules.json puts the Transformer here, but config.json is missing",
        config.network_directory.string());
  const JsonValue file = JsonValue::read(config.network_directory / "config.json");
  const Family& family = find_family(file);
  Reasons reasons;
  refuse_other_mechanics(file, family, reasons);
  reasons.attempt([&] { config.network = read_network(file, family); });
  reasons.raise(file.where());
  check_head(config);
  read_token_limits(config, with_modules);
  return config;
}

}  // namespace emberline
