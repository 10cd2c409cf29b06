// SPDX-License-Identifier: Apache-2.0
#include "model/low_rank.h"

#include <utility>

#include "base/convert.h"
#include "base/error.h"
#include "base/parallel.h"

namespace emberline {
namespace {

void add(const LowRankUpdate& update, std::vector<float>& numbers) {
  for (int64_t row = 0; row < update.rows; ++row) {
    float* out = numbers.data() + (update.first_row + row) * update.cols;
    for (int64_t k = 0; k < update.rank; ++k) {
      const float factor = update.scale * update.left[static_cast<size_t>(row * update.rank + k)];
      const float* right = update.right.data() + k * update.cols;
      for (int64_t col = 0; col < update.cols; ++col) out[col] += factor * right[col];
    }
  }
}

}  // namespace

void merge(const LowRankUpdates& updates, Weights& weights, int64_t num_threads) {
  std::vector<std::string> names;
  for (const auto& [name, several] : updates) names.push_back(name);
  std::vector<std::vector<float>> merged(names.size());
  run_parallel(static_cast<int64_t>(names.size()), num_threads, [&](int64_t i) {
    const std::string& name = names[static_cast<size_t>(i)];
    std::vector<float>& numbers = merged[static_cast<size_t>(i)];
    numbers = to_f32(weights.tensors().at(name));
    for (const LowRankUpdate& update : updates.at(name)) add(update, numbers);
  });
  for (size_t i = 0; i < names.size(); ++i) {
    const std::vector<int64_t> shape = weights.tensors().at(names[i]).shape;
    weights.replace(names[i], shape, std::move(merged[i]));
  }
}

const TensorView& adapter_half(const Weights& adapter, const std::string& name, const std::vector<int64_t>& expected,
                               const std::string& reason) {
  check(adapter.has(name), Code::kFormat, "{}: tensor {} is missing, expected shape {}: {}", adapter.source(), name,
        show_shape(expected), reason);
  const auto found = adapter.tensors().find(name);
  if (found == adapter.tensors().end()) return adapter.get(name, expected);  // tells the dtype that is not supported
  check(found->second.shape == expected, Code::kFormat, "{}: tensor {} has shape {}, expected {}: {}",
        adapter.file_of(name), name, show_shape(found->second.shape), show_shape(expected), reason);
  return found->second;
}

const TensorView& matrix_of(const Weights& weights, const std::string& name) {
  const auto found = weights.tensors().find(name);
  if (found == weights.tensors().end()) return weights.get(name, {});  // tells what is wrong with it
  check(found->second.shape.size() == 2, Code::kFormat, "{}: tensor {} has shape {}, expected two dimensions",
        weights.file_of(name), name, show_shape(found->second.shape));
  return found->second;
}

}  // namespace emberline
