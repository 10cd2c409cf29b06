// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of one model's tensors, which checkpoints of one family spell in several ways.
#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"
#include "model/weights.h"

namespace emberline {

// Borrows both. Names are those of the bare network: a checkpoint that was saved with a task's head has the family's
// prefix before each.
class TensorNames {
 public:
  TensorNames(const Weights& weights, const NetworkConfig& config);

  // Throw Error(kFormat) as Weights::get does.
  const TensorView& get(const std::string& name, const std::vector<int64_t>& shape) const;
  // `legacy` is how checkpoints converted from the first BERT release spell a layer norm's parameter.
  const TensorView& get_either(const std::string& name, const std::string& legacy,
                               const std::vector<int64_t>& shape) const;
  bool has(const std::string& name) const { return weights_.has(prefix_ + name); }
  // Throws Error(kFormat) where the model has a tensor that config.json says it has not.
  void require_none(const std::string& name) const;

 private:
  const Weights& weights_;
  std::string prefix_;
};

// The name of the table of words: the family's other one where the checkpoint has that alone.
std::string words_name(const TensorNames& names, const NetworkConfig& config);

// Rows of a tensor as a tensor.
TensorView rows_of(TensorView tensor, int64_t first, int64_t count);

// What stands before the names of a layer's tensors: "encoder.layer.3.". Layers that share weights have the same.
std::string layer_prefix(const NetworkConfig& config, int64_t layer);

// One product's weights [out, in] and, where it has one, its bias [out].
LinearPart linear_part(const TensorNames& names, const std::string& name, int64_t in, int64_t out, bool has_bias);

// What a layer's first products stack: queries, keys and values; the inner products of the feed-forward, of a gated one
// the activated first; of experts all of theirs.
std::vector<LinearPart> query_key_value_parts(const NetworkConfig& config, const TensorNames& names, int64_t layer);
std::vector<LinearPart> up_parts(const NetworkConfig& config, const TensorNames& names, int64_t layer);

}  // namespace emberline
