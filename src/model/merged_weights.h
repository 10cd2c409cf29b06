// SPDX-License-Identifier: Apache-2.0
#pragma once
// The weights of a model's network as it computes with them, made of what its files hold: the adapter of the chosen
// task is merged in (W + scale * B A, in f32), and a table of tokens in parts is one table.
#include <cstdint>

#include "model/config.h"
#include "model/weights.h"

namespace emberline {

// Tensors come under the names of the plain network, adapters are gone. Merged ones take memory of their own until the
// weights go. Throws what Weights::open does, and Error(kFormat | kUnsupported) that names the adapter's file, the
// tensor, its shape and the expected one.
Weights open_merged_weights(const ModelConfig& config, int64_t num_threads);

}  // namespace emberline
