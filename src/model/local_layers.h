// SPDX-License-Identifier: Apache-2.0
#pragma once
// Layers whose tokens see their neighbours alone: which ones, and how far these reach.
#include "model/config.h"
#include "model/families.h"
#include "model/json_value.h"

namespace emberline {

// Reads window and local layers where the family has them; knows of causal attention already. Throws Error(kFormat) on
// keys that contradict each other.
void read_local_layers(const JsonValue& file, const Family& family, NetworkConfig& network);

}  // namespace emberline
