// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of one BERT-shaped model's tensors, which checkpoints spell in several ways.
#include <cstdint>
#include <string>
#include <vector>

#include "model/weights.h"

namespace emberline {

// Borrows the weights. Names are those of the bare network: a checkpoint that was saved with a task head has "bert."
// before each.
class TensorNames {
 public:
  explicit TensorNames(const Weights& weights);

  // Throw Error(kFormat) as Weights::get does.
  const TensorView& get(const std::string& name, const std::vector<int64_t>& shape) const;
  // `legacy` is how checkpoints converted from the first BERT release spell a layer norm's parameter.
  const TensorView& get_either(const std::string& name, const std::string& legacy,
                               const std::vector<int64_t>& shape) const;

 private:
  const Weights& weights_;
  std::string prefix_;
};

}  // namespace emberline
