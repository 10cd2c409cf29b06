// SPDX-License-Identifier: Apache-2.0
#include "model/config.h"

#include "base/error.h"
#include "model/activations.h"
#include "model/json_value.h"
#include "model/modules.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// A model family: its model_type and what its configuration class takes where config.json says nothing.
const NetworkConfig kFamilies[] = {
    {.model_type = "bert",
     .vocab_size = 30522,
     .hidden_size = 768,
     .num_hidden_layers = 12,
     .num_attention_heads = 12,
     .intermediate_size = 3072,
     .max_position_embeddings = 512,
     .type_vocab_size = 2,
     .layer_norm_eps = 1e-12F,
     .hidden_act = Activation::kGelu},
};

const NetworkConfig& find_family(const JsonValue& file) {
  std::string known;
  for (const NetworkConfig& family : kFamilies) known += (known.empty() ? "" : ", ") + family.model_type;
  const auto value = file.find("model_type");
  check(value.has_value(), Code::kFormat, "{}: key model_type is missing, supported: {}", file.where(), known);
  const std::string name = value->text();
  for (const NetworkConfig& family : kFamilies) {
    if (family.model_type == name) return family;
  }
  fail(Code::kUnsupported, "{}: got \"{}\", supported: {}", value->where(), name, known);
}

void read_integer(const JsonValue& file, const char* key, int64_t most, int64_t& out) {
  if (const auto value = file.find(key)) out = value->integer(1, most);
}

void refuse_other_mechanics(const JsonValue& file) {
  if (const auto value = file.find("position_embedding_type")) {
    check(value->text() == "absolute", Code::kUnsupported, "{}: got {}, supported: \"absolute\"", value->where(),
          value->shown());
  }
  for (const char* key : {"is_decoder", "add_cross_attention"}) {
    const auto value = file.find(key);
    check(!value || !value->boolean(), Code::kUnsupported, "{}: {}: got true, supported: false", file.where(), key);
  }
  check(!file.find("quantization_config"), Code::kUnsupported,
        "{}: quantization_config: quantised weights are not supported", file.where());
}

NetworkConfig read_network(const fs::path& path) {
  const JsonValue file = JsonValue::read(path);
  NetworkConfig network = find_family(file);
  refuse_other_mechanics(file);
  read_integer(file, "vocab_size", (int64_t{1} << 31) - 1, network.vocab_size);
  read_integer(file, "hidden_size", 1 << 16, network.hidden_size);
  read_integer(file, "num_hidden_layers", 1 << 10, network.num_hidden_layers);
  read_integer(file, "num_attention_heads", 1 << 12, network.num_attention_heads);
  read_integer(file, "intermediate_size", 1 << 20, network.intermediate_size);
  read_integer(file, "max_position_embeddings", 1 << 24, network.max_position_embeddings);
  read_integer(file, "type_vocab_size", 1 << 16, network.type_vocab_size);
  if (const auto value = file.find("layer_norm_eps")) {
    const double eps = value->number();
    if (!(eps > 0 && eps < 1) || static_cast<float>(eps) == 0) value->refuse("a number between 0 and 1");
    network.layer_norm_eps = static_cast<float>(eps);
  }
  if (const auto value = file.find("hidden_act")) network.hidden_act = hidden_activation(value->text(), value->where());
  check(network.hidden_size % network.num_attention_heads == 0, Code::kFormat,
        "{}: hidden_size {} is not a multiple of num_attention_heads {}", file.where(), network.hidden_size,
        network.num_attention_heads);
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
  config.network = read_network(config.network_directory / "config.json");
  check_head(config);
  read_token_limits(config, with_modules);
  return config;
}

}  // namespace emberline
