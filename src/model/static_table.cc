// SPDX-License-Identifier: Apache-2.0
#include "model/static_table.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "model/weights.h"

namespace emberline {
namespace {

constexpr int64_t kNoLimit = 1 << 24;      // tokens of one text: far more than any row holds
constexpr int64_t kModel2VecTokens = 512;  // of a text, where config.json does not say

}  // namespace

void read_static_module(const std::filesystem::path& directory, ModelConfig& config) {
  config.network_directory = directory;
  config.has_network = false;
  config.pooling = Pooling::kMean;
}

bool is_model2vec(const JsonValue& file) {
  const auto value = file.find("model_type");
  return value && value->is_text() && value->text() == "model2vec";
}

void read_model2vec(const JsonValue& file, ModelConfig& config) {
  read_static_module(config.directory, config);
  config.drops_unknown = true;
  config.max_tokens = kModel2VecTokens;
  for (const auto& [key, value] : file.members()) {
    // A null stands for no limit.
    if (key == "max_length") config.max_tokens = file.find(key) ? value.integer(1, kNoLimit) : kNoLimit;
  }
  const auto normalize = file.find("normalize");
  if (normalize && normalize->boolean()) config.head.emplace_back();
}

NetworkConfig read_static_network(const std::filesystem::path& directory) {
  const Weights weights = Weights::open(directory);
  for (const char* name : {"mapping", "weights"}) {
    check(!weights.has(name), Code::kUnsupported,
          "{}: holds tensor {}: rows that are shared or weighed are not supported; load it as a StaticEmbedding of "
          "sentence-transformers and save that, which makes one table of them",
          weights.source(), name);
  }
  NetworkConfig network;
  network.model_type = "static";
  const bool is_own = !weights.has("embedding.weight") && weights.has("embeddings");
  network.tensors = {.prefix = "",
                     .words = is_own ? "embeddings" : "embedding",
                     .words_ending = is_own ? "" : ".weight",
                     .positions = nullptr,
                     .types = nullptr,
                     .embedding_norm = nullptr};
  const std::string name = std::string(network.tensors.words) + network.tensors.words_ending;
  check(weights.has(name), Code::kFormat, "{}: holds neither tensor embedding.weight nor embeddings: no static model",
        weights.source());
  const auto found = weights.tensors().find(name);
  if (found == weights.tensors().end()) weights.get(name, {});  // tells the dtype that is not supported
  const std::vector<int64_t>& shape = found->second.shape;
  check(shape.size() == 2 && shape[0] > 0 && shape[1] > 0, Code::kFormat,
        "{}: tensor {} has {} dimensions, expected a table of tokens by features", weights.source(), name,
        shape.size());
  network.vocab_size = shape[0];
  network.hidden_size = shape[1];
  network.embedding_size = network.hidden_size;
  network.num_attention_heads = 1;
  network.max_position_embeddings = kNoLimit;
  return network;
}

}  // namespace emberline
