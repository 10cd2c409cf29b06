// SPDX-License-Identifier: Apache-2.0
#pragma once
// The relative positions of disentangled attention (DeBERTa, arXiv 2006.03654; buckets as in arXiv 2111.09543): what
// config.json says of them, and which row of their table a distance has.
#include <cstdint>
#include <vector>

#include "model/config.h"
#include "model/json_value.h"

namespace emberline {

// Reads them into `network`, whose sizes are known. Throws Error(kFormat | kUnsupported) on what the mechanic lacks.
void read_relative_positions(const JsonValue& file, NetworkConfig& network);

// As DistanceTerms::row_of: rows of the table for all distances up to `reach`.
std::vector<int32_t> relative_rows(const RelativePositions& relative, int64_t reach);

}  // namespace emberline
