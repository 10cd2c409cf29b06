// SPDX-License-Identifier: Apache-2.0
#include "model/classifier.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/temporary_directory.h"
#include "model/expect_error.h"
#include "model/naive_backend.h"

namespace emberline {
namespace {

using Json = nlohmann::json;

Json bert() {
  return {{"model_type", "bert"},         {"vocab_size", 100},        {"hidden_size", 24},
          {"num_hidden_layers", 1},       {"num_attention_heads", 4}, {"intermediate_size", 48},
          {"max_position_embeddings", 64}};
}

ModelConfig read_classifier(const Json& changes, const Json& settings = {}) {
  const TemporaryDirectory directory;
  Json config = bert();
  config.update(changes);
  directory.write("config.json", config.dump());
  if (!settings.is_null()) {
    directory.write("config_sentence_transformers.json", settings.dump());
    directory.write("modules.json",
                    R"([{"path":"","type":"sentence_transformers.base.modules.transformer.Transformer"}])");
  }
  return read_model_config(directory.path());
}

ScoreActivation activation_of(const Json& changes, const Json& settings = {}) {
  const ModelConfig config = read_classifier(changes, settings);
  EXPECT_TRUE(config.classifier.has_value()) << config.no_classifier;
  return config.classifier ? config.classifier->score_activation : ScoreActivation::kSoftmax;
}

const Json kOneLabel = {{"id2label", {{"0", "LABEL_0"}}}};

TEST(ClassifierConfig, LabelsAreCountedAsTransformersDoes) {
  EXPECT_EQ(read_classifier(Json::object()).classifier->num_labels, 2);
  EXPECT_EQ(read_classifier({{"num_labels", 5}}).classifier->num_labels, 5);
  EXPECT_EQ(read_classifier(kOneLabel).classifier->num_labels, 1);
  EXPECT_EQ(
      read_classifier({{"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}}}, {"num_labels", 2}}).classifier->num_labels,
      3);
}

TEST(ClassifierConfig, ActivationIsTheModelsOwnOrThatOfItsNumberOfLabels) {
  Json config = kOneLabel;
  EXPECT_EQ(activation_of(config), ScoreActivation::kSigmoid);
  EXPECT_EQ(activation_of(Json::object()), ScoreActivation::kNone);
  config["sbert_ce_default_activation_function"] = "torch.nn.modules.linear.Identity";
  EXPECT_EQ(activation_of(config), ScoreActivation::kNone);
  config["sentence_transformers"] = {{"activation_fn", "torch.nn.modules.activation.Sigmoid"}};
  EXPECT_EQ(activation_of(config), ScoreActivation::kSigmoid);
  const Json own = {{"model_type", "CrossEncoder"}, {"activation_fn", "torch.nn.Identity"}};
  EXPECT_EQ(activation_of(config, own), ScoreActivation::kNone);
}

TEST(ClassifierConfig, ActivationOfAModelsOwnCodeIsNotRun) {
  Json config = kOneLabel;
  config["sentence_transformers"] = {{"activation_fn", "own_code.Square"}};
  EXPECT_EQ(activation_of(config), ScoreActivation::kSigmoid);
}

TEST(ClassifierConfig, UnknownActivationOfTorchTakesTheHeadAwayAndSaysSo) {
  const ModelConfig config =
      read_classifier({{"sentence_transformers", {{"activation_fn", "torch.nn.modules.activation.Tanh"}}}});
  EXPECT_FALSE(config.classifier.has_value());
  EXPECT_NE(config.no_classifier.find("expected Sigmoid or Identity of torch.nn"), std::string::npos)
      << config.no_classifier;
}

TEST(ClassifierConfig, CrossEncoderOfSeveralModulesIsRefused) {
  const TemporaryDirectory directory;
  directory.write("config.json", bert().dump());
  directory.write("config_sentence_transformers.json", R"({"model_type":"CrossEncoder"})");
  directory.write("modules.json", R"([{"path":"","type":"sentence_transformers.base.modules.transformer.Transformer"},
      {"path":"1","type":"sentence_transformers.base.modules.dense.Dense"}])");
  expect_error(Code::kUnsupported, {"CrossEncoder of 2 modules"}, [&] { read_model_config(directory.path()); });
}

TEST(Classifier, TensorsOfAnotherNumberOfLabelsAreRefused) {
  const std::string directory = EMB_SOURCE_DIR "/tests/data/rerank/bert";
  ModelConfig config = read_model_config(directory);
  const Weights weights = Weights::open(directory);
  const std::unique_ptr<Backend> backend = make_naive_backend();
  EXPECT_EQ(Classifier(config.network, *config.classifier, weights, *backend).num_labels(), 1);
  config.classifier->num_labels = 2;
  expect_error(Code::kFormat, {"classifier.weight", "[1, 32]", "[2, 32]"},
               [&] { const Classifier classifier(config.network, *config.classifier, weights, *backend); });
}

TEST(ActivateScores, LargeScoresStayWithinTheirBounds) {
  std::vector<float> scores = {-1000, 0, 1000};
  activate_scores(ScoreActivation::kSigmoid, scores);
  EXPECT_EQ(scores, (std::vector<float>{0, 0.5F, 1}));
  scores = {-1000, 1000, 1000};
  activate_scores(ScoreActivation::kSoftmax, scores);
  EXPECT_EQ(scores, (std::vector<float>{0, 0.5F, 0.5F}));
  scores = {-3, 7};
  activate_scores(ScoreActivation::kNone, scores);
  EXPECT_EQ(scores, (std::vector<float>{-3, 7}));
}

}  // namespace
}  // namespace emberline
