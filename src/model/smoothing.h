// SPDX-License-Identifier: Apache-2.0
#pragma once
// Evens out the columns that int8 products read. A few columns of a layer norm's output are tens of times larger than
// the rest and would use up a row's 127 steps; dividing them, and multiplying the weights' columns alike, changes no
// product but leaves the others their digits (SmoothQuant, arXiv 2211.10438, equation 4 with alpha 0.5).
#include <cstdint>
#include <vector>

#include "model/config.h"
#include "model/encoder.h"
#include "model/weights.h"

namespace emberline {

// Largest magnitude of each column that each norm gave: [num_norms][hidden].
class ColumnMaxima : public NormObserver {
 public:
  explicit ColumnMaxima(const NetworkConfig& config);
  void see(int64_t norm, MatrixView out) override;  // out in host memory
  const std::vector<std::vector<float>>& values() const { return values_; }

 private:
  std::vector<std::vector<float>> values_;
};

// What Encoder takes: factors of every norm but the last, [2 * num_hidden_layers][hidden]. Powers of two, so that
// multiplying by them rounds nothing and processors that see slightly other maxima agree.
std::vector<std::vector<float>> smoothing_factors(const NetworkConfig& config, const Weights& weights,
                                                  const ColumnMaxima& maxima);

}  // namespace emberline
