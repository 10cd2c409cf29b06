// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ways to stretch rotary angles over more positions than a network was first trained for: what config.json says under
// rope_scaling or rope_parameters, and the frequencies that follow from it.
#include <cstdint>
#include <vector>

#include "model/json_value.h"

namespace emberline {

struct RotationScaling {
  // kLinear: all frequencies are divided by `factor`. kLlama3: those that turn less than low_turns times over the
  // original positions are, those of more than high_turns stay, between them it goes smoothly. kYarn: the same by the
  // place of a frequency, not by itself (arXiv 2309.00071), and queries and keys grow by `magnitude`.
  enum class Kind { kNone, kLinear, kLlama3, kYarn } kind = Kind::kNone;
  double factor = 1;
  double low_turns = 1;
  double high_turns = 1;
  int64_t original_positions = 0;
  double magnitude = 1;
  bool whole_places = true;  // kYarn: the places between which it goes smoothly are rounded outwards
};

// `parameters` is the object with the keys rope_type and those of that type; max_positions stands in for
// original_max_position_embeddings. Throws Error(kFormat | kUnsupported) on another type, or a key that does not belong
// to it.
RotationScaling read_rotation_scaling(const JsonValue& parameters, int64_t max_positions);

// [head_dim / 2]: by how much an angle grows from one position to the next.
std::vector<float> rotation_frequencies(double theta, int64_t head_dim, const RotationScaling& scaling);

}  // namespace emberline
