// SPDX-License-Identifier: Apache-2.0
#include "model/experts.h"

#include <string>
#include <utility>
#include <vector>

#include "base/convert.h"

namespace emberline {

std::unique_ptr<Experts> load_experts(const NetworkConfig& config, const TensorNames& names, const Backend& backend,
                                      int64_t layer, std::span<const float> factors) {
  const TensorLayout& tensors = config.tensors;
  const std::string at = layer_prefix(config, layer);
  const int64_t hidden = config.hidden_size;
  const int64_t ffn = config.intermediate_size;
  const std::vector<int64_t> stacked = {config.num_experts * ffn, hidden};
  const TensorView& up = names.get(at + tensors.experts_up, stacked);
  const TensorView& down = names.get(at + tensors.experts_down, stacked);
  Experts experts;
  experts.num_chosen = config.experts_of_token;
  experts.router = backend.make_dense(linear_part(names, at + tensors.router, hidden, config.num_experts, false));
  experts.bias = backend.upload(names.get(at + tensors.experts_bias, {hidden}));
  for (int64_t expert = 0; expert < config.num_experts; ++expert) {
    const LinearPart up_part = {.weight = rows_of(up, expert * ffn, ffn), .bias = std::nullopt};
    const TensorView down_rows = rows_of(down, expert * ffn, ffn);
    // Experts store their second product the other way round: [ffn, hidden].
    const std::vector<float> turned = transposed(to_f32(down_rows), down_rows.shape[0], down_rows.shape[1]);
    const LinearPart down_part = {.weight = {down_rows.name + " transposed",
                                             DType::kF32,
                                             {hidden, ffn},
                                             reinterpret_cast<const std::byte*>(turned.data())},
                                  .bias = std::nullopt};
    experts.up.push_back(backend.make_linear({&up_part, 1}, factors));
    experts.down.push_back(backend.make_linear({&down_part, 1}, {}));
  }
  return std::make_unique<Experts>(std::move(experts));
}

}  // namespace emberline
