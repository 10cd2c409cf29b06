// SPDX-License-Identifier: Apache-2.0
#include "engine/loaded_model.h"

#include <utility>

#include "base/parallel.h"
#include "engine/calibration.h"
#include "model/weights.h"

namespace emberline {

LoadedModel::LoadedModel(std::unique_ptr<const Backend> device_backend, const std::filesystem::path& directory)
    : backend(std::move(device_backend)),
      config(read_model_config(directory)),
      tokenizer(Tokenizer::load(config.network_directory, config.lower_case_first)),
      encoder(read_encoder()),
      head(config, *backend) {
  for (const HeadStep& step : config.head) {
    if (step.kind != HeadStep::Kind::kDense) continue;
    const int64_t size = step.in_features * step.out_features + (step.bias ? step.out_features : 0);
    parameters += size;
    weights_bytes += size * static_cast<int64_t>(sizeof(float));
  }
}

// The mapping ends with this function: the backend holds packed copies.
Encoder LoadedModel::read_encoder() {
  const Weights weights = Weights::open(config.network_directory);
  for (const auto& [name, tensor] : weights.tensors()) parameters += tensor.size();
  weights_bytes = weights.total_bytes();
  if (backend->dtype() != DType::kI8) return Encoder(config.network, weights, *backend, allowed_cpus());
  const std::vector<std::vector<float>> factors = calibrate(config, weights, tokenizer, *backend->without_weights());
  return Encoder(config.network, weights, *backend, allowed_cpus(), factors);
}

}  // namespace emberline
