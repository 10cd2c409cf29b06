// SPDX-License-Identifier: Apache-2.0
#include "model/ngram_network.h"

#include <gtest/gtest.h>

#include "model/encoder.h"
#include "model/expect_error.h"
#include "model/golden.h"
#include "model/head.h"
#include "model/naive_backend.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

std::string config_with(const std::string& ngrams, const std::string& blocks, const std::string& eps = "1e-12") {
  return R"({"model_type":"use-multilingual","vocab_size":9,"embedding_size":8,"ngram_features":4,"pooled_features":5,)"
         R"("ngrams":)" +
         ngrams + R"(,"residual_blocks":)" + blocks + R"(,"layer_norm_eps":)" + eps + "}";
}

constexpr const char* kNgrams = R"([{"size":2,"before":0},{"size":5,"before":2}])";
constexpr const char* kBlocks = R"([{"inner":6,"out_features":7},{"inner":3,"out_features":10}])";

ModelConfig read_ngrams(const std::string& config, const std::string& tokenizer_config = "{}") {
  const TemporaryDirectory directory;
  directory.write("config.json", config);
  directory.write("tokenizer_config.json", tokenizer_config);
  return read_model_config(directory.path());
}

TEST(NgramNetwork, SizesDoNotFollowFromConfig) {
  const ModelConfig config = read_ngrams(config_with(kNgrams, kBlocks));
  EXPECT_TRUE(config.has_network);
  EXPECT_EQ(config.network.hidden_size, 8 + 2 * 4);
  EXPECT_EQ(config.network.num_hidden_layers, 0);
  EXPECT_EQ(config.pooling, Pooling::kMeanSqrtLen);
  ASSERT_EQ(config.head.size(), 2U);
  EXPECT_EQ(config.head[0].in_features, 16);
  EXPECT_EQ(config.head[0].out_features, 10);
  EXPECT_EQ(config.head[1].kind, HeadStep::Kind::kNormalize);
  EXPECT_GT(config.max_tokens, 1000000);
  EXPECT_EQ(read_ngrams(config_with(kNgrams, kBlocks), R"({"model_max_length":40})").max_tokens, 40);
}

TEST(NgramNetwork, ConfigThatMakesNoNetworkIsTaken) {
  const auto refused = [](const std::string& config, const std::string& key, const std::string& text) {
    expect_error(Code::kFormat, {"config.json", key, text}, [&] { read_ngrams(config); });
  };
  refused(config_with("[]", kBlocks), "ngrams", "expected a list of n-grams");
  refused(config_with(R"([{"size":2,"before":2}])", kBlocks), "before", "expected an integer from 0 to 1");
  refused(config_with(R"([{"size":0,"before":0}])", kBlocks), "size", "expected an integer from 1");
  refused(config_with(kNgrams, "[]"), "residual_blocks", "expected a list of blocks");
  refused(config_with(kNgrams, kBlocks, "2"), "layer_norm_eps", "expected a number between 0 and 1");
  refused(R"({"model_type":"use-multilingual","vocab_size":9})", "embedding_size", "missing");
}

TEST(NgramNetwork, MisshapenTensorIsNotNamed) {
  ModelConfig config = read_model_config(model_path("tiny-use"));
  const Weights weights = Weights::open(config.network_directory);
  const std::unique_ptr<Backend> backend = make_naive_backend();
  NetworkConfig network = config.network;
  network.ngrams[1].size = 4;
  expect_error(Code::kFormat, {"tiny-use", "ngrams.1.first.weight"},
               [&] { const Encoder encoder(network, weights, *backend); });
  config.head[0].blocks[1].inner += 1;
  expect_error(Code::kFormat, {"tiny-use", "residual_blocks.1.inner.weight"},
               [&] { const Head head(config, *backend); });
}

}  // namespace
}  // namespace emberline
