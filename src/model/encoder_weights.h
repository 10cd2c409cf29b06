// SPDX-License-Identifier: Apache-2.0
#pragma once
// The weights of an encoder, found by its family's names and packed by a backend.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"
#include "model/ngram_network.h"
#include "model/weights.h"

namespace emberline {

// What layers multiply by. Layers that share weights share one of these.
struct LayerProducts {
  std::unique_ptr<Linear> query_key_value;        // [query_size + 2 * key_size, hidden]
  std::unique_ptr<Linear> attention_output;       // [hidden, query_size]
  std::unique_ptr<Linear> up;                     // [ffn, hidden]; [2 * ffn, hidden] of a gated feed-forward
  std::unique_ptr<Linear> down;                   // [hidden, ffn]
  std::unique_ptr<Experts> experts;               // in place of `up` and `down`, which are null then
  std::unique_ptr<DistanceTerms> distance_terms;  // as AttentionShape has them; null for none
};

// What a layer norms beside its inputs; null where its family does not.
struct LayerNorms {
  NormWeights attention, feed_forward;  // of what they give, before it is added to the hidden state
  std::unique_ptr<Buffer> query, key;   // [head_dim]: as AttentionShape has them
};

// Immutable once loaded, shared by all threads.
struct EncoderWeights {
  EmbeddingTables tables;                      // embedding_size wide
  std::unique_ptr<Linear> projection;          // [hidden, embedding_size]; null where the embeddings are hidden wide
  std::unique_ptr<Buffer> projection_factors;  // [hidden]: as NormWeights::factors, for what the projection gives
  // As AttentionShape has them, for all positions; null for none. Local layers have a rotation of their own.
  std::unique_ptr<Buffer> distance_bias, rotation, local_rotation;
  NgramWeights ngrams;  // of the first hidden state, where the network has n-grams
  // None where there are no layers. Norm 0 is the embeddings' or that before the first attention, 2 i + 1 stands
  // between attention and feed-forward of layer i, 2 i + 2 behind it, wherever the family writes them.
  std::vector<NormWeights> norms;
  std::vector<LayerNorms> layer_norms;  // [num_hidden_layers]
  std::vector<LayerProducts> products;
  std::vector<int64_t> products_of;  // [num_hidden_layers] place in `products`

  const LayerProducts& layer(int64_t i) const {
    return products[static_cast<size_t>(products_of[static_cast<size_t>(i)])];
  }
};

// `factors`: for each norm but the last, what the operand that it feeds is multiplied by ([hidden]); empty for none.
// Packs layers on up to num_threads threads. Throws Error(kFormat) that names the tensor that is missing or misshapen.
EncoderWeights load_encoder(const NetworkConfig& config, const Weights& weights, const Backend& backend,
                            int64_t num_threads, std::span<const std::vector<float>> factors);

// For each layer, the first layer that has the same weights: itself where none are shared.
std::vector<int64_t> first_layers_with_weights(const NetworkConfig& config);

}  // namespace emberline
