// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the reference says about one model, as tools/make_golden.py wrote it.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/weights.h"

namespace emberline {

struct Golden {
  int64_t max_tokens = 0;
  int64_t prompt_tokens = 0;  // leading tokens that pooling skips
  std::vector<int64_t> layer_rows;
  std::vector<std::vector<int32_t>> ids;  // [num_rows][num_tokens]
  Weights tensors;

  std::vector<float> vector(int64_t row) const;                 // [dim]
  std::vector<float> hidden(int64_t row, int64_t layer) const;  // [num_tokens, hidden]
};

Golden read_golden(const std::string& model);

// tests/data/tiny-*, sorted.
std::vector<std::string> tiny_models();
// Directory of a tiny model, or of a real one in build/models (which may not be there).
std::string model_path(const std::string& model);

// Sequences packed one after the other.
Batch make_batch(const std::vector<std::vector<int32_t>>& sequences);

}  // namespace emberline
