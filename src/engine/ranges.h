// SPDX-License-Identifier: Apache-2.0
#pragma once
// The file of ranges that `emberline calibrate` writes, for output=int8 and uint8.
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "engine/loaded_model.h"
#include "engine/output.h"
#include "engine/settings.h"

namespace emberline {

// Writes the file: the least and the largest value [dim] that `num_vectors` vectors had in each dimension. Throws
// Error(kInvalidArgument) where there were none or a pair is no range, Error(kIo) where it cannot be written.
void write_ranges(const LoadedModel& model, const Settings& settings, std::span<const float> least,
                  std::span<const float> largest, int64_t num_vectors, const std::filesystem::path& file);

// The file, or where that is not set, emberline_ranges.json of the model's folder. Throws Error(kInvalidArgument) where
// there is none, or where it was made of another model, or of vectors that other options give; Error(kIo | kFormat)
// where it cannot be read. The file, in JSON:
//   {"model": "0123456789abcdef", "dim": 384, "options": {"pooling": "mean", ...}, "rows": 2000,
//    "least": [...], "largest": [...]}
// where "model" is a print of the weights, the same wherever they lie, and "options" those that vectors depend on.
OutputLevels read_levels(const LoadedModel& model, const Settings& settings, const std::optional<std::string>& file);

}  // namespace emberline
