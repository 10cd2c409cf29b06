// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a loaded model says of itself.
#include <nlohmann/json.hpp>

#include "engine/engine.h"

namespace emberline::testing {

inline nlohmann::json info_of(const Engine& engine) {
  return nlohmann::json::parse(engine.info());
}

}  // namespace emberline::testing
