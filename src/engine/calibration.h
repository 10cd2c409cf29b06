// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a short built-in text shows of a model's numbers, for products in int8.
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace emberline {

// Runs the built-in text through the network on `backend`, which keeps the weights it was given for that, and returns
// what Encoder takes as factors. A few milliseconds for a small model. Throws what Encoder does.
std::vector<std::vector<float>> calibrate(const ModelConfig& config, const Weights& weights, const Tokenizer& tokenizer,
                                          const Backend& backend);

}  // namespace emberline
