// SPDX-License-Identifier: Apache-2.0
#pragma once
// The weights of a feed-forward that is several (mixture of experts), found by its family's names.
#include <cstdint>
#include <memory>
#include <span>

#include "backend/backend.h"
#include "model/config.h"
#include "model/tensor_names.h"

namespace emberline {

// Of a layer that has experts. `factors`: what the columns of its rows come multiplied by; empty for nothing. Throws
// Error(kFormat) that names the tensor that is missing or misshapen.
std::unique_ptr<Experts> load_experts(const NetworkConfig& config, const TensorNames& names, const Backend& backend,
                                      int64_t layer, std::span<const float> factors);

}  // namespace emberline
