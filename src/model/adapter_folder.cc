// SPDX-License-Identifier: Apache-2.0
#include "model/adapter_folder.h"

#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/convert.h"
#include "base/error.h"
#include "model/json_value.h"
#include "model/low_rank.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// What adapter_config.json may ask for beyond two factors of each module.
constexpr const char* kOtherMechanics[] = {"use_dora",
                                           "use_rslora",
                                           "use_qalora",
                                           "fan_in_fan_out",
                                           "lora_bias",
                                           "rank_pattern",
                                           "alpha_pattern",
                                           "modules_to_save",
                                           "layer_replication",
                                           "alora_invocation_tokens",
                                           "trainable_token_indices",
                                           "target_parameters",
                                           "megatron_config"};

bool is_nothing(const JsonValue& value) {
  if (value.is_array()) return value.items().empty();
  if (value.is_object()) return value.members().empty();
  return value.shown() == "false";
}

struct FolderSettings {
  int64_t rank = 0;
  float scale = 0;
};

FolderSettings read_settings(const JsonValue& file) {
  const JsonValue type = file.at("peft_type");
  check(type.text() == "LORA", Code::kUnsupported, "{}: got {}, supported: \"LORA\"", type.where(), type.shown());
  for (const char* key : kOtherMechanics) {
    const auto value = file.find(key);
    check(!value || is_nothing(*value), Code::kUnsupported, "{}: {}: got {}, supported: none", file.where(), key,
          value ? value->shown() : "");
  }
  const auto bias = file.find("bias");
  check(!bias || bias->text() == "none", Code::kUnsupported, "{}: bias: got {}, supported: \"none\"", file.where(),
        bias ? bias->shown() : "");
  FolderSettings settings;
  settings.rank = file.at("r").integer(1, 1 << 16);
  const JsonValue alpha = file.at("lora_alpha");
  if (!std::isfinite(alpha.number())) alpha.refuse("a number");
  settings.scale = static_cast<float>(alpha.number() / static_cast<double>(settings.rank));
  return settings;
}

struct Ending {
  std::string_view a, b;
  bool is_table;
};
constexpr Ending kEndings[] = {{".lora_A.weight", ".lora_B.weight", false},
                               {".lora_embedding_A", ".lora_embedding_B", true}};
constexpr std::string_view kWrapper = "base_model.model.";  // before the names of the network's own modules

// Rows of a tensor that a module of the reference's class stands for; count 0 where there is none.
struct Target {
  std::string tensor;
  int64_t first_row = 0;
  int64_t count = 0;
};

Target find_target(const NetworkConfig& network, const Weights& weights, std::string module) {
  const std::string prefix = network.tensors.prefix;
  if (module.starts_with(prefix)) module.erase(0, prefix.size());
  const auto whole = [&](const std::string& bare) -> Target {
    for (const std::string& name : {bare + ".weight", prefix + bare + ".weight"}) {
      if (weights.has(name)) return {name, 0, matrix_of(weights, name).shape[0]};
    }
    return {};
  };
  if (Target target = whole(module); target.count > 0) return target;
  if (network.class_names == nullptr) return {};
  NetworkConfig as_class = network;
  as_class.tensors = *network.class_names;
  const TensorLayout& names = as_class.tensors;
  const TensorLayout& files = network.tensors;
  const auto part = [](Target all, int64_t first, int64_t count) -> Target {
    return {std::move(all.tensor), first, all.count > 0 ? count : 0};
  };
  for (int64_t layer = 0; layer < network.num_hidden_layers; ++layer) {
    const std::string at = layer_prefix(as_class, layer);
    if (!module.starts_with(at)) continue;
    const std::string in_file = layer_prefix(network, layer);
    const std::string_view name = std::string_view(module).substr(at.size());
    if (name == names.attention_output) return whole(in_file + files.attention_output);
    if (name == names.up) return whole(in_file + files.up);
    if (name == names.down) return whole(in_file + files.down);
    if (files.query_key_value == nullptr) return {};
    const Target all = whole(in_file + files.query_key_value);
    const int64_t queries = network.query_size();
    const int64_t keys = network.key_size();
    if (name == names.query) return part(all, 0, queries);
    if (name == names.key) return part(all, queries, keys);
    if (name == names.value) return part(all, queries + keys, keys);
  }
  return {};
}

// PEFT's two factors of a linear layer are A [rank, in] and B [out, rank]; of an embedding the same of its transpose.
LowRankUpdate folder_update(const Weights& adapter, const FolderSettings& settings, const std::string& module,
                            const Ending& ending, const Target& target, int64_t cols) {
  LowRankUpdate update{.first_row = target.first_row, .rows = target.count, .cols = cols, .rank = settings.rank};
  update.scale = settings.scale;
  const int64_t in = ending.is_table ? update.rows : update.cols;
  const int64_t out = ending.is_table ? update.cols : update.rows;
  const std::string reason = message("adapter_config.json has r {}, and the network's {} has shape {}", settings.rank,
                                     target.tensor, show_shape({update.rows, update.cols}));
  const TensorView& a = adapter_half(adapter, module + std::string(ending.a), {settings.rank, in}, reason);
  const TensorView& b = adapter_half(adapter, module + std::string(ending.b), {out, settings.rank}, reason);
  update.left = to_f32(b);
  update.right = to_f32(a);
  if (!ending.is_table) return update;
  update.left = transposed(to_f32(a), settings.rank, update.rows);
  update.right = transposed(to_f32(b), update.cols, settings.rank);
  return update;
}

}  // namespace

void merge_adapter_folder(const NetworkConfig& network, const fs::path& folder, Weights& weights, int64_t num_threads) {
  const FolderSettings settings = read_settings(JsonValue::read(folder / "adapter_config.json"));
  const Weights adapter = Weights::open_file(folder / "adapter_model.safetensors");
  LowRankUpdates updates;
  std::set<std::string> done;
  for (const auto& [name, tensor] : adapter.tensors()) {
    const Ending* ending = nullptr;
    std::string module;
    for (const Ending& known : kEndings) {
      for (const std::string_view half : {known.a, known.b}) {
        if (!name.ends_with(half)) continue;
        ending = &known;
        module = name.substr(0, name.size() - half.size());
      }
    }
    check(ending != nullptr, Code::kUnsupported,
          "{}: tensor {} is no half of an adapter: expected names that end with {}, {}, {} or {}", adapter.source(),
          name, kEndings[0].a, kEndings[0].b, kEndings[1].a, kEndings[1].b);
    if (!done.insert(module).second) continue;
    const Target target =
        find_target(network, weights, module.starts_with(kWrapper) ? module.substr(kWrapper.size()) : module);
    check(target.count > 0, Code::kFormat,
          "{}: tensor {} belongs to module {}, which the network in {} does not have: the adapter belongs to another "
          "model",
          adapter.source(), name, module, weights.source());
    const int64_t cols = matrix_of(weights, target.tensor).shape[1];
    updates[target.tensor].push_back(folder_update(adapter, settings, module, *ending, target, cols));
  }
  check(!updates.empty(), Code::kFormat, "{}: holds no adapter", adapter.source());
  merge(updates, weights, num_threads);
}

}  // namespace emberline
