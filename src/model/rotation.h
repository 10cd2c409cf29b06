// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rotary positions (RoPE, arXiv 2104.09864): what config.json says of them, and the angles that follow from it.
#include <cstdint>
#include <vector>

#include "model/config.h"
#include "model/families.h"
#include "model/json_value.h"

namespace emberline {

// Reads rotation, window and local layers where the family has them. Throws Error(kFormat | kUnsupported) on a key that
// contradicts another, or a scaling of angles.
void read_rotation(const JsonValue& file, const ConfigKeys& keys, NetworkConfig& network);

// [positions, head_dim]: as AttentionShape::rotation. Frequencies are divided by `slowing`.
std::vector<float> rotation_table(double theta, int64_t positions, int64_t head_dim, double slowing = 1);

}  // namespace emberline
