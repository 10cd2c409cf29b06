// SPDX-License-Identifier: Apache-2.0
#include "model/classifier_config.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/activations.h"

namespace emberline {
namespace {

constexpr int64_t kMostLabels = 1 << 16;

int64_t read_num_labels(const JsonValue& file) {
  if (const auto labels = file.find("id2label")) {
    const auto count = static_cast<int64_t>(labels->members().size());
    if (count < 1 || count > kMostLabels) labels->refuse(message("1 to {} labels", kMostLabels));
    return count;
  }
  const auto number = file.find("num_labels");
  return number ? number->integer(1, kMostLabels) : 2;  // as transformers has it, which leaves out two of them
}

Pooling read_pooling(const JsonValue& value) {
  const std::string name = value.text();
  if (name == "cls") return Pooling::kCls;
  if (name == "mean") return Pooling::kMean;
  value.refuse("cls or mean");
}

// Where the model says what its scores go through: a CrossEncoder's own file first, then older places.
std::optional<JsonValue> find_activation(const JsonValue& file, const ModelConfig& config) {
  const std::filesystem::path modules = config.directory / "config_sentence_transformers.json";
  if (!config.has_vectors && is_there(modules)) {
    if (auto value = JsonValue::read(modules).find("activation_fn")) return value;
  }
  if (const auto settings = file.find("sentence_transformers")) {
    if (auto value = settings->find("activation_fn")) return value;
  }
  return file.find("sbert_ce_default_activation_function");
}

ScoreActivation read_score_activation(const JsonValue& file, const ModelConfig& config, int64_t num_labels) {
  const ScoreActivation usual = num_labels == 1 ? ScoreActivation::kSigmoid : ScoreActivation::kNone;
  const auto value = find_activation(file, config);
  // Code that comes with a model is not run, as the reference does not either unless it is told to trust it.
  if (!value || !value->text().starts_with("torch.")) return usual;
  const std::string path = value->text();
  const std::string name = path.substr(path.rfind('.') + 1);
  if (name == "Sigmoid") return ScoreActivation::kSigmoid;
  if (name == "Identity") return ScoreActivation::kNone;
  value->refuse("Sigmoid or Identity of torch.nn");
}

ClassifierConfig read(const JsonValue& file, const Family& family, const ModelConfig& config) {
  const ClassifierLayout& layout = family.classifier;
  check(layout.dense != nullptr, Code::kUnsupported,
        "{}: model_type {}: no head that scores pairs is known of it, supported: {}", file.where(),
        config.network.model_type, families_with_classifiers());
  ClassifierConfig classifier;
  classifier.dense = layout.dense;
  classifier.norm = layout.norm != nullptr ? layout.norm : "";
  classifier.scores = layout.scores;
  classifier.activation = layout.activation;
  const auto find = [&](const char* key) { return key != nullptr ? file.find(key) : std::nullopt; };
  if (const auto value = find(layout.activation_key)) {
    classifier.activation = hidden_activation(value->text(), value->where());
  }
  if (const auto value = find(layout.pooling_key)) classifier.pooling = read_pooling(*value);
  const auto bias = find(layout.bias_key);
  classifier.dense_bias = layout.bias_key == nullptr || (bias && bias->boolean());
  classifier.norm_bias = config.network.norm_bias;
  classifier.norm_eps = config.network.layer_norm_eps;
  classifier.num_labels = read_num_labels(file);
  classifier.score_activation = read_score_activation(file, config, classifier.num_labels);
  return classifier;
}

}  // namespace

void read_classifier(const JsonValue& file, const Family& family, ModelConfig& config) {
  try {
    config.classifier = read(file, family, config);
  } catch (const Error& error) {
    config.no_classifier = error.what();
  }
}

}  // namespace emberline
