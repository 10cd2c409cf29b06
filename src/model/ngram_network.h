// SPDX-License-Identifier: Apache-2.0
#pragma once
// Networks that see a token's neighbours instead of attending (Universal Sentence Encoder multilingual): each branch
// reads n-grams of one size twice, and what the branches leave stands beside the token's embedding under one norm.
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/json_value.h"
#include "model/tensor_names.h"

namespace emberline {

class EncoderScratch;

bool is_ngram_network(const JsonValue& file);
// All that config.json says: the network, pooling and head. Throws Error(kFormat).
void read_ngram_network(const JsonValue& file, ModelConfig& config);

struct NgramBranch {
  std::unique_ptr<Linear> first, second;  // [ngram_features, size * ngram_features]
};

// Immutable once loaded, shared by all threads.
struct NgramWeights {
  std::unique_ptr<Linear> projection;  // [branches * ngram_features, embedding_size]
  NormWeights projection_norm;         // of all branches together
  std::vector<NgramBranch> branches;   // as NetworkConfig::ngrams; none where the network has no n-grams
  NormWeights token_norm;              // [hidden]
};

// Throws Error(kFormat) that names the tensor that is missing or misshapen.
NgramWeights load_ngrams(const NetworkConfig& config, const TensorNames& names, const Backend& backend);

// hidden = norm(embeddings | what each branch makes of them): [num_tokens, hidden].
struct NgramPass {
  const NetworkConfig& config;
  const EmbeddingTables& tables;
  const NgramWeights& weights;
  const Backend& backend;

  void run(Stream& stream, const Batch& batch, EncoderScratch& scratch, MatrixView hidden) const;
};

}  // namespace emberline
