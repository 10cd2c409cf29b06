// SPDX-License-Identifier: Apache-2.0
#include "engine/loaded_model.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/parallel.h"
#include "base/reasons.h"
#include "base/version.h"
#include "engine/calibration.h"
#include "engine/device_queue.h"
#include "engine/packed_cache.h"
#include "model/merged_weights.h"
#include "model/task_adapters.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using Factors = std::vector<std::vector<float>>;  // [num_norms - 1][hidden]

constexpr const char* kFactors = "operand factors";
constexpr const char* kAgreement = "int8 agreement";

// The chosen task and what its adapter is read from; empty for none.
std::string task_of(const TaskAdapters& adapters) {
  if (!adapters.chosen) return {};
  const std::string files = adapters.folders.empty() ? "" : fingerprint_of_files(adapters.folders[*adapters.chosen]);
  return message("{} {}\n{}", *adapters.chosen, adapters.tasks[*adapters.chosen], files);
}

// One file for each model directory, task and way of packing; a model that changed takes the place of what it was.
fs::path cache_file_of(const fs::path& cache_directory, const ModelConfig& config, const Backend& backend) {
  const fs::path& model_directory = config.network_directory;
  const std::optional<size_t>& task = config.adapters.chosen;
  const std::string path =
      fs::canonical(model_directory).string() + (task ? "\n" + config.adapters.tasks[*task] : std::string());
  const std::string name = model_directory.has_filename() ? model_directory.filename().string()
                                                          : model_directory.parent_path().filename().string();
  return cache_directory / message("{}-{}-{}-{}.packed", name, std::hash<std::string>()(path), backend.describe(),
                                   dtype_name(backend.dtype()));
}

std::shared_ptr<PackedCache> open_cache(const fs::path& cache_directory, const ModelConfig& config,
                                        const Backend& backend) {
  if (cache_directory.empty()) return nullptr;
  std::string key = message("emberline {}\n{}\n{}{}", kVersion, backend.packing(),
                            fingerprint_of_files(config.network_directory), task_of(config.adapters));
  return std::make_shared<PackedCache>(cache_file_of(cache_directory, config, backend), std::move(key));
}

int64_t factor_bytes(const NetworkConfig& network) {
  return 2 * network.num_hidden_layers * network.hidden_size * static_cast<int64_t>(sizeof(float));
}

bool has_network(const fs::path& directory) {
  return is_there(directory / "config.json");
}

std::optional<Factors> stored_factors(const PackedCache& cache, const NetworkConfig& network) {
  if (cache.find(kAgreement, sizeof(Agreement)) == nullptr) return std::nullopt;
  const auto* numbers = reinterpret_cast<const float*>(cache.find(kFactors, factor_bytes(network)));
  if (numbers == nullptr) return std::nullopt;
  Factors factors;
  for (int64_t norm = 0; norm < 2 * network.num_hidden_layers; ++norm, numbers += network.hidden_size) {
    factors.emplace_back(numbers, numbers + network.hidden_size);
  }
  return factors;
}

}  // namespace

struct LoadedModel::Parts {
  ModelConfig config;
  std::optional<Tokenizer> tokenizer;
  std::optional<Encoder> encoder;
  std::optional<Classifier> classifier;
  int64_t parameters = 0;
  int64_t weights_bytes = 0;
  std::shared_ptr<PackedCache> cache;  // null where there is none
  std::string cache_warning;
  std::vector<float> factors;        // to keep, until the cache is written
  std::vector<float> exact_vectors;  // of the built-in text; empty where they were not needed

  static Parts read(Backend& backend, const fs::path& directory, const fs::path& cache_directory,
                    const std::optional<std::string>& task);
  void read_tokenizer();
  void read_classifier(const Weights& weights, const Backend& keeping);
  Factors find_factors(const Weights& weights, const Backend& quantising);
};

// The mapping of the weights ends with this function: the backend holds packed copies.
LoadedModel::Parts LoadedModel::Parts::read(Backend& backend, const fs::path& directory,
                                            const fs::path& cache_directory, const std::optional<std::string>& task) {
  Parts parts;
  Reasons reasons;
  parts.config.network_directory = directory;
  reasons.attempt([&] {
    parts.config = read_model_config(directory);
    if (task) choose_task(parts.config, *task);
  });
  std::optional<Weights> opened;
  // Files that are wrong one by one are told together, if this is the directory of a model at all.
  if (reasons.empty() || has_network(directory)) {
    reasons.attempt([&] { opened.emplace(open_merged_weights(parts.config, allowed_cpus())); });
    if (!reasons.empty()) reasons.attempt([&] { parts.read_tokenizer(); });
  }
  reasons.raise(directory.string());
  const Weights& weights = *opened;
  for (const auto& [name, tensor] : weights.tensors()) parts.parameters += tensor.size();
  parts.weights_bytes = weights.total_bytes();
  try {
    parts.cache = open_cache(cache_directory, parts.config, backend);
  } catch (const std::exception& error) {
    parts.cache_warning = message("Packed weights were not kept: {}.", error.what());
  }
  if (parts.cache != nullptr) backend.use_store(parts.cache);
  const Factors factors = backend.dtype() == DType::kI8 ? parts.find_factors(weights, backend) : Factors();
  const int64_t threads = allowed_cpus();
  Reasons of_encoder, of_tokenizer;
  run_parallel(2, threads, [&](int64_t i) {
    if (i == 0) {
      of_encoder.attempt([&] { parts.encoder.emplace(parts.config.network, weights, backend, threads, factors); });
      of_encoder.attempt([&] { parts.read_classifier(weights, backend); });
    } else if (!parts.tokenizer) {
      of_tokenizer.attempt([&] { parts.read_tokenizer(); });
    }
  });
  reasons.add(of_encoder);
  reasons.add(of_tokenizer);
  reasons.raise(directory.string());
  return parts;
}

void LoadedModel::Parts::read_tokenizer() {
  if (config.has_network) {
    tokenizer = Tokenizer::load(config.network_directory, config.lower_case_first);
    return;
  }
  tokenizer = Tokenizer::load_bare(config.network_directory, config.drops_unknown);
  if (tokenizer->largest_text() > 0) config.max_tokens = std::min(config.max_tokens, tokenizer->largest_text());
}

// A model without the tensors of a head makes vectors all the same, unless it is nothing but a CrossEncoder.
void LoadedModel::Parts::read_classifier(const Weights& weights, const Backend& keeping) {
  if (config.classifier) {
    try {
      classifier.emplace(config.network, *config.classifier, weights, keeping);
    } catch (const Error& error) {
      if (error.code() != Code::kFormat) throw;
      config.no_classifier = error.what();
    }
  }
  check(classifier || config.has_vectors, Code::kFormat, "{}", config.no_classifier);
}

Factors LoadedModel::Parts::find_factors(const Weights& weights, const Backend& quantising) {
  if (cache != nullptr) {
    if (std::optional<Factors> stored = stored_factors(*cache, config.network)) return std::move(*stored);
  }
  read_tokenizer();
  Calibration calibration = calibrate(config, weights, *tokenizer, quantising);
  exact_vectors = std::move(calibration.vectors);
  for (const std::vector<float>& norm : calibration.factors) factors.insert(factors.end(), norm.begin(), norm.end());
  if (cache != nullptr) cache->keep(kFactors, factors.data(), factor_bytes(config.network));
  return std::move(calibration.factors);
}

LoadedModel::~LoadedModel() = default;

LoadedModel::LoadedModel(std::unique_ptr<Backend> device_backend, const fs::path& directory,
                         const fs::path& cache_directory, const std::optional<std::string>& task)
    : LoadedModel(std::move(device_backend), Parts::read(*device_backend, directory, cache_directory, task)) {}

LoadedModel::LoadedModel(std::unique_ptr<Backend>&& device_backend, Parts parts)
    : backend(std::move(device_backend)),
      config(std::move(parts.config)),
      parameters(parts.parameters),
      weights_bytes(parts.weights_bytes),
      cache_warning(std::move(parts.cache_warning)),
      tokenizer(std::move(*parts.tokenizer)),
      encoder(std::move(*parts.encoder)),
      head(config, *backend),
      classifier(std::move(parts.classifier)),
      queue(backend->shares_batches() ? std::make_unique<DeviceQueue>(*this) : nullptr) {
  for (const HeadStep& step : config.head) {
    if (step.kind != HeadStep::Kind::kDense) continue;
    const int64_t size = step.in_features * step.out_features + (step.bias ? step.out_features : 0);
    parameters += size;
    weights_bytes += size * static_cast<int64_t>(sizeof(float));
  }
  PackedCache* cache = parts.cache.get();
  if (!parts.exact_vectors.empty()) {
    const std::vector<float> vectors = vectors_of_text(config, tokenizer, *backend, encoder, head);
    int8_agreement = agreement_of(vectors, parts.exact_vectors, num_builtin_texts());
    if (cache != nullptr) cache->keep(kAgreement, &*int8_agreement, sizeof(Agreement));
  } else if (backend->dtype() == DType::kI8) {
    const std::byte* stored = cache->find(kAgreement, sizeof(Agreement));
    check(stored != nullptr, Code::kInternal, "{}: has factors but no agreement", cache->file().string());
    std::memcpy(&int8_agreement.emplace(), stored, sizeof(Agreement));
  }
  if (cache == nullptr) return;
  try {
    cache->save();
    cache_file = cache->file().string();
  } catch (const Error& error) {
    cache_warning = message("Packed weights were not kept: {}.", error.what());
  }
}

}  // namespace emberline
