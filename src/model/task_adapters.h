// SPDX-License-Identifier: Apache-2.0
#pragma once
// Adapters that a model has for single tasks: which there are, and which is taken.
#include <string_view>

#include "model/config.h"
#include "model/json_value.h"

namespace emberline {

// What `lora_adaptations` of config.json lists, else the folders with an adapter_config.json below the network's or its
// "adapters". The instructions that come with tasks are prompts by their names. Throws Error(kFormat).
void read_task_adapters(const JsonValue& file, ModelConfig& config);

// Takes one task's adapter, and the task's prompt where the model has one. Names are those of the model; ".", "-" and
// "_" count as the same, since folders are named otherwise than tasks. Throws Error(kInvalidArgument) that lists them.
void choose_task(ModelConfig& config, std::string_view task);

bool same_task(std::string_view a, std::string_view b);

}  // namespace emberline
