// SPDX-License-Identifier: Apache-2.0
#include "model/smoothing.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/convert.h"
#include "model/encoder_weights.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

// Raises each column's maximum by the weights of one product.
void raise_by_columns(const TensorView& weight, std::vector<float>& maxima) {
  const int64_t cols = weight.shape[1];
  std::vector<float> row(static_cast<size_t>(cols));
  for (int64_t r = 0; r < weight.shape[0]; ++r) {
    convert_to_f32(weight, r * cols, cols, row.data());
    for (size_t c = 0; c < row.size(); ++c) maxima[c] = std::max(maxima[c], std::fabs(row[c]));
  }
}

// sqrt(weight / input), the inverse of equation 4, rounded to a power of two; 1 where a column is never used.
float factor(float input, float weight) {
  const float ratio = weight / input;
  if (!(ratio > 0) || !std::isfinite(ratio)) return 1.0F;
  return std::exp2(std::round(0.5F * std::log2(ratio)));
}

}  // namespace

ColumnMaxima::ColumnMaxima(const NetworkConfig& config)
    : values_(static_cast<size_t>(2 * config.num_hidden_layers + 1),
              std::vector<float>(static_cast<size_t>(config.hidden_size))) {}

void ColumnMaxima::see(int64_t norm, MatrixView out) {
  std::vector<float>& maxima = values_.at(static_cast<size_t>(norm));
  for (int64_t r = 0; r < out.rows; ++r) {
    const float* row = out.data + r * out.row_stride;
    for (size_t c = 0; c < maxima.size(); ++c) maxima[c] = std::max(maxima[c], std::fabs(row[c]));
  }
}

std::vector<std::vector<float>> smoothing_factors(const NetworkConfig& config, const Weights& weights,
                                                  const ColumnMaxima& maxima) {
  const TensorNames names(weights, config);
  // Layers that share weights are fed by operands that share factors: those of the largest that any of them reads.
  const std::vector<int64_t> first = first_layers_with_weights(config);
  const auto source_of = [&](int64_t norm) { return 2 * first[static_cast<size_t>(norm / 2)] + norm % 2; };
  std::vector<std::vector<float>> inputs(static_cast<size_t>(2 * config.num_hidden_layers));
  for (int64_t norm = 0; norm < 2 * config.num_hidden_layers; ++norm) {
    const std::vector<float>& seen = maxima.values().at(static_cast<size_t>(norm));
    std::vector<float>& largest = inputs[static_cast<size_t>(source_of(norm))];
    largest.resize(seen.size());
    for (size_t c = 0; c < seen.size(); ++c) largest[c] = std::max(largest[c], seen[c]);
  }
  std::vector<std::vector<float>> factors;
  for (int64_t norm = 0; norm < 2 * config.num_hidden_layers; ++norm) {
    const int64_t source = source_of(norm);
    if (source != norm) {
      factors.push_back(factors[static_cast<size_t>(source)]);
      continue;
    }
    std::vector<float> largest(static_cast<size_t>(config.hidden_size));
    const std::vector<LinearPart> parts =
        norm % 2 == 0 ? query_key_value_parts(config, names, norm / 2) : up_parts(config, names, norm / 2);
    for (const LinearPart& part : parts) raise_by_columns(part.weight, largest);
    for (size_t c = 0; c < largest.size(); ++c) largest[c] = factor(inputs[static_cast<size_t>(norm)][c], largest[c]);
    factors.push_back(std::move(largest));
  }
  return factors;
}

}  // namespace emberline
