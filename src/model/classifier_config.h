// SPDX-License-Identifier: Apache-2.0
#pragma once
// What config.json says of a head that scores sequences.
#include "model/config.h"
#include "model/families.h"
#include "model/json_value.h"

namespace emberline {

// Sets config.classifier from the network's config.json, or config.no_classifier to the reason why there is none. What
// is wrong with the head is no failure: the network makes vectors without it.
void read_classifier(const JsonValue& file, const Family& family, ModelConfig& config);

}  // namespace emberline
