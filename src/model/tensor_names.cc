// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_names.h"

namespace emberline {

TensorNames::TensorNames(const Weights& weights) : weights_(weights) {
  if (!weights.has("embeddings.word_embeddings.weight") && weights.has("bert.embeddings.word_embeddings.weight")) {
    prefix_ = "bert.";
  }
}

const TensorView& TensorNames::get(const std::string& name, const std::vector<int64_t>& shape) const {
  return weights_.get(prefix_ + name, shape);
}

const TensorView& TensorNames::get_either(const std::string& name, const std::string& legacy,
                                          const std::vector<int64_t>& shape) const {
  const bool is_legacy = !weights_.has(prefix_ + name) && weights_.has(prefix_ + legacy);
  return get(is_legacy ? legacy : name, shape);
}

}  // namespace emberline
