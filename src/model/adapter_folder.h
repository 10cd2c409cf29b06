// SPDX-License-Identifier: Apache-2.0
#pragma once
// One task's adapter in a folder of its own, as PEFT saves it: adapter_config.json and adapter_model.safetensors.
#include <cstdint>
#include <filesystem>

#include "model/config.h"
#include "model/weights.h"

namespace emberline {

// Merges it into the network's weights. Modules are named as the reference's class names them, or as the network's own
// tensors are. Throws Error(kIo | kFormat | kUnsupported) that names the file and the key or the tensor.
void merge_adapter_folder(const NetworkConfig& network, const std::filesystem::path& folder, Weights& weights,
                          int64_t num_threads);

}  // namespace emberline
