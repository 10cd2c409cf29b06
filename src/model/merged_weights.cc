// SPDX-License-Identifier: Apache-2.0
#include "model/merged_weights.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/convert.h"
#include "base/error.h"
#include "model/adapter_folder.h"
#include "model/low_rank.h"
#include "model/static_table.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

using Shape = std::vector<int64_t>;

constexpr std::string_view kOriginal = ".parametrizations.weight.original";
constexpr std::string_view kStackedA = ".parametrizations.weight.0.lora_A";
constexpr std::string_view kStackedB = ".parametrizations.weight.0.lora_B";

bool is_embedding(const NetworkConfig& network, std::string_view module) {
  const TensorLayout& tensors = network.tensors;
  if (module.starts_with(tensors.prefix)) module.remove_prefix(std::string_view(tensors.prefix).size());
  for (const char* name : {tensors.words, tensors.positions, tensors.types}) {
    if (name != nullptr && module == name) return true;
  }
  return false;
}

std::set<std::string> stacked_modules(const Weights& weights) {
  std::set<std::string> modules;
  for (const auto& [name, tensor] : weights.tensors()) {
    for (const std::string_view ending : {kOriginal, kStackedA, kStackedB}) {
      if (name.ends_with(ending)) modules.insert(name.substr(0, name.size() - ending.size()));
    }
  }
  return modules;
}

// Linear layers have A [tasks, rank, in] and B [tasks, out, rank]; embeddings A [tasks, rows, rank], B [tasks, rank,
// dim], so that what is added is A B there.
LowRankUpdate stacked_update(const Weights& weights, const NetworkConfig& network, const TaskAdapters& adapters,
                             const std::string& module) {
  check(weights.has(module + std::string(kOriginal)), Code::kFormat,
        "{}: tensor {}{} is missing, which {}* of it should adapt", weights.source(), module, kOriginal,
        kStackedA.substr(0, kStackedA.size() - 1));
  const TensorView& original = matrix_of(weights, module + std::string(kOriginal));
  const auto num_tasks = static_cast<int64_t>(adapters.tasks.size());
  const int64_t rank = adapters.rank;
  LowRankUpdate update{.rows = original.shape[0], .cols = original.shape[1], .rank = rank};
  const bool is_table = is_embedding(network, module);
  const Shape left = {num_tasks, update.rows, rank};
  const Shape right = {num_tasks, rank, update.cols};
  const std::string reason =
      message("config.json lists {} tasks in lora_adaptations and has lora_rank {}, and {} has shape {}", num_tasks,
              rank, original.name, show_shape(original.shape));
  const TensorView& a = adapter_half(weights, module + std::string(kStackedA), is_table ? left : right, reason);
  const TensorView& b = adapter_half(weights, module + std::string(kStackedB), is_table ? right : left, reason);
  if (!adapters.chosen) return update;
  const auto task = static_cast<int64_t>(*adapters.chosen);
  update.left = to_f32(rows_of(is_table ? a : b, task, 1));
  update.right = to_f32(rows_of(is_table ? b : a, task, 1));
  update.scale = static_cast<float>(adapters.alpha / static_cast<double>(rank));
  return update;
}

void unstack(const ModelConfig& config, Weights& weights, int64_t num_threads) {
  const std::set<std::string> modules = stacked_modules(weights);
  check(!modules.empty() || !config.adapters.chosen, Code::kFormat,
        "{}: holds no tensor *{}, though config.json lists tasks in lora_adaptations; leave the option task out",
        weights.source(), kStackedA);
  LowRankUpdates updates;
  for (const std::string& module : modules) {
    LowRankUpdate update = stacked_update(weights, config.network, config.adapters, module);
    const std::string name = module + ".weight";
    weights.forget(module + std::string(kStackedA));
    weights.forget(module + std::string(kStackedB));
    weights.rename(module + std::string(kOriginal), name);
    if (config.adapters.chosen) updates[name].push_back(std::move(update));
  }
  merge(updates, weights, num_threads);
}

}  // namespace

Weights open_merged_weights(const ModelConfig& config, int64_t num_threads) {
  if (!config.has_network) return open_static_table(config.network_directory);
  Weights weights = Weights::open(config.network_directory);
  const TaskAdapters& adapters = config.adapters;
  if (adapters.layout == TaskAdapters::Layout::kStacked) unstack(config, weights, num_threads);
  if (adapters.layout == TaskAdapters::Layout::kFolders && adapters.chosen) {
    merge_adapter_folder(config.network, adapters.folders[*adapters.chosen], weights, num_threads);
  }
  return weights;
}

}  // namespace emberline
