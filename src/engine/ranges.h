// SPDX-License-Identifier: Apache-2.0
#pragma once
// The file of ranges that `emberline calibrate` writes, for output=int8 and uint8.
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/output.h"
#include "engine/settings.h"

namespace emberline {

// What makes a model's vectors what they are, as far as a file of ranges is concerned: its weights' sizes and a sample
// of their bytes, the same wherever the model lies. 16 hexadecimal digits.
std::string weights_print(const std::filesystem::path& directory);

// The file, or where that is not set, emberline_ranges.json of the model's folder. Throws Error(kInvalidArgument) where
// there is none, or where it was made of another model, or of vectors that other options give; Error(kIo | kFormat)
// where it cannot be read. The file, in JSON:
//   {"model": "0123456789abcdef", "dim": 384, "options": {"pooling": "mean", ...}, "least": [...], "largest": [...]}
OutputLevels read_levels(const LoadedModel& model, const Settings& settings, const std::optional<std::string>& file);

// The options that a vector's numbers depend on, by name, in words: what a file of ranges must agree in.
std::vector<std::pair<std::string, std::string>> options_of_vectors(const LoadedModel& model, const Settings& settings);

}  // namespace emberline
