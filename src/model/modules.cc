// SPDX-License-Identifier: Apache-2.0
#include "model/modules.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/activations.h"
#include "model/json_value.h"
#include "model/static_table.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostFeatures = 1 << 20;
constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

// ---- modules.json ----

struct ModuleEntry {
  std::string type;  // last part: "Pooling"
  fs::path directory;
  JsonValue type_value;
};

// Class paths of sentence-transformers 6 and those of all releases before it, which only the prefix tells apart.
constexpr std::string_view kModulePrefixes[] = {"sentence_transformers.sentence_transformer.modules.",
                                                "sentence_transformers.base.modules.", "sentence_transformers.models."};
// Code of the model's own in place of a Transformer, which families know or not.
constexpr const char* kOwnTransformer = "custom_st.Transformer";
constexpr const char* kModuleNames = "Transformer, Pooling, Dense, Normalize, Dropout, StaticEmbedding";

std::string module_type(const JsonValue& value) {
  const std::string path = value.text();
  for (const std::string_view prefix : kModulePrefixes) {
    if (path.starts_with(prefix)) return path.substr(path.rfind('.') + 1);
  }
  return path;
}

fs::path module_directory(const fs::path& model, const JsonValue& value) {
  const std::string text = value.text();
  const fs::path path(text);
  const bool climbs = std::find(path.begin(), path.end(), fs::path("..")) != path.end();
  if (path.is_absolute() || climbs || text.find('\0') != std::string::npos) value.refuse("a path below the model");
  return text.empty() ? model : model / path;
}

std::vector<ModuleEntry> read_module_list(const fs::path& model) {
  const JsonValue file = JsonValue::read(model / "modules.json");
  std::vector<ModuleEntry> entries;
  for (const JsonValue& item : file.items()) {
    const JsonValue type = item.at("type");
    entries.push_back({module_type(type), module_directory(model, item.at("path")), type});
  }
  check(!entries.empty(), Code::kFormat, "{}: lists no module", file.where());
  return entries;
}

// ---- the modules ----

struct PoolingName {
  const char* name;        // "pooling_mode": "mean"
  const char* legacy_key;  // "pooling_mode_mean_tokens": true
  Pooling pooling;
};

constexpr PoolingName kPoolingNames[] = {
    {"cls", "pooling_mode_cls_token", Pooling::kCls},
    {"max", "pooling_mode_max_tokens", Pooling::kMax},
    {"mean", "pooling_mode_mean_tokens", Pooling::kMean},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
    {"weightedmean", "pooling_mode_weightedmean_tokens", Pooling::kWeightedMean},
    {"lasttoken", "pooling_mode_lasttoken", Pooling::kLast},
};

Pooling pooling_of(const JsonValue& name) {
  const std::string text = name.text();
  for (const PoolingName& known : kPoolingNames) {
    if (text == known.name) return known.pooling;
  }
  name.refuse("cls, max, mean, mean_sqrt_len_tokens, weightedmean or lasttoken");
}

Pooling read_pooling_mode(const JsonValue& file) {
  std::vector<Pooling> modes;
  if (const auto value = file.find("pooling_mode")) {
    if (value->is_array()) {
      for (const JsonValue& item : value->items()) modes.push_back(pooling_of(item));
    } else {
      modes.push_back(pooling_of(*value));
    }
  } else {
    for (const PoolingName& known : kPoolingNames) {
      const auto flag = file.find(known.legacy_key);
      if (flag && flag->boolean()) modes.push_back(known.pooling);
    }
    if (modes.empty()) modes.push_back(Pooling::kMean);
  }
  check(modes.size() == 1, Code::kUnsupported, "{}: got {} pooling modes at once, expected one", file.where(),
        modes.size());
  return modes.front();
}

void read_pooling(const fs::path& directory, ModelConfig& config) {
  const JsonValue file = JsonValue::read(directory / "config.json");
  config.pooling = read_pooling_mode(file);
  if (const auto value = file.find("include_prompt")) config.include_prompt = value->boolean();
  auto width = file.find("embedding_dimension");
  if (!width) width = file.find("word_embedding_dimension");
  if (width) config.pooling_width = width->integer(1, kMostFeatures);
}

// A module may read and write other features than the sentence's vector; those are other kinds of model.
void require_sentence_vector(const JsonValue& file) {
  for (const char* key : {"module_input_name", "module_output_name"}) {
    const auto value = file.find(key);
    check(!value || value->text() == "sentence_embedding", Code::kUnsupported,
          "{}: {}: got {}, expected \"sentence_embedding\"", file.where(), key, value ? value->shown() : "");
  }
}

HeadStep read_dense(const fs::path& directory) {
  const JsonValue file = JsonValue::read(directory / "config.json");
  require_sentence_vector(file);
  HeadStep step;
  step.kind = HeadStep::Kind::kDense;
  step.directory = directory;
  step.in_features = file.at("in_features").integer(1, kMostFeatures);
  step.out_features = file.at("out_features").integer(1, kMostFeatures);
  if (const auto value = file.find("bias")) step.bias = value->boolean();
  if (const auto value = file.find("use_residual")) step.use_residual = value->boolean();
  if (const auto value = file.find("activation_function")) {
    step.activation = torch_activation(value->text(), value->where());
  }
  return step;
}

HeadStep read_normalize(const fs::path& directory) {
  if (is_there(directory / "config.json")) require_sentence_vector(JsonValue::read(directory / "config.json"));
  return {};
}

// ---- config_sentence_transformers.json ----

std::optional<JsonValue> read_model_settings(const fs::path& directory) {
  const fs::path file = directory / "config_sentence_transformers.json";
  if (!is_there(file)) return std::nullopt;
  return JsonValue::read(file);
}

// ---- sentence_bert_config.json ----

std::optional<JsonValue> read_transformer_settings(const fs::path& directory) {
  // Older releases named the file after the family; the first that is there and not empty counts.
  for (const char* family : {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"}) {
    const fs::path file = directory / ("sentence_" + std::string(family) + "_config.json");
    if (!is_there(file)) continue;
    const JsonValue settings = JsonValue::read(file);
    if (!settings.members().empty()) return settings;
  }
  return std::nullopt;
}

// What a newer file may ask of the transformer beyond its last hidden states, or a CrossEncoder's beyond its scores.
void require_usual_output(const JsonValue& settings, bool has_vectors) {
  const auto only = [&](const JsonValue& at, const char* key, std::string_view expected) {
    const auto value = at.find(key);
    check(!value || (value->is_text() && value->text() == expected), Code::kUnsupported,
          "{}: {}: got {}, expected \"{}\"", at.where(), key, value ? value->shown() : "", expected);
  };
  only(settings, "transformer_task", has_vectors ? "feature-extraction" : "sequence-classification");
  only(settings, "module_output_name", has_vectors ? "token_embeddings" : "scores");
  if (const auto modalities = settings.find("modality_config")) {
    const JsonValue text = modalities->at("text");
    only(text, "method", "forward");
    only(text, "method_output_name", has_vectors ? "last_hidden_state" : "logits");
  }
  for (const char* key : {"processing_kwargs", "query_expansion", "query_length", "document_length"}) {
    const auto value = settings.find(key);
    check(!value || (value->is_object() && value->members().empty()), Code::kUnsupported,
          "{}: {} is not supported, got {}", settings.where(), key, value ? value->shown() : "");
  }
}

// The tokenizer's own limit; kUnlimited where it has none (a float of 1e30 stands for that in real files).
int64_t length_limit(const JsonValue& value) {
  if (value.number() >= 1e18) return kUnlimited;
  return value.integer(1, kUnlimited);
}

int64_t tokenizer_limit(const fs::path& directory) {
  const fs::path file = directory / "tokenizer_config.json";
  if (!is_there(file)) return kUnlimited;
  const JsonValue settings = JsonValue::read(file);
  auto value = settings.find("model_max_length");
  if (!value) value = settings.find("max_len");
  return value ? length_limit(*value) : kUnlimited;
}

}  // namespace

void read_modules(ModelConfig& config) {
  const std::optional<JsonValue> settings = read_model_settings(config.directory);
  const auto type = settings ? settings->find("model_type") : std::nullopt;
  check(!type || type->text() == "SentenceTransformer" || type->text() == "CrossEncoder", Code::kUnsupported,
        "{}: got {}, expected \"SentenceTransformer\" or \"CrossEncoder\"", type ? type->where() : "",
        type ? type->shown() : "");
  config.has_vectors = !type || type->text() == "SentenceTransformer";
  bool pooled = false;
  const std::vector<ModuleEntry> entries = read_module_list(config.directory);
  check(config.has_vectors || entries.size() == 1, Code::kUnsupported,
        "{}: a CrossEncoder of {} modules, expected a Transformer alone", (config.directory / "modules.json").string(),
        entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const ModuleEntry& entry = entries[i];
    const auto require = [&](bool condition, const char* rule) {
      check(condition, Code::kUnsupported, "{}: module {} stands at place {}: {}", entry.type_value.where(), entry.type,
            i, rule);
    };
    if (entry.type == "Transformer" || entry.type == kOwnTransformer) {
      require(i == 0, "a Transformer comes first and only once");
      config.network_directory = entry.directory;
      if (entry.type == kOwnTransformer) config.own_transformer = entry.type_value.where();
    } else if (entry.type == "StaticEmbedding") {
      require(i == 0, "a StaticEmbedding comes first and only once");
      read_static_module(entry.directory, config);
      pooled = true;
    } else if (entry.type == "Pooling") {
      require(i > 0 && !pooled, "one Pooling follows the Transformer");
      read_pooling(entry.directory, config);
      pooled = true;
    } else if (entry.type == "Dense") {
      require(pooled, "a Dense follows Pooling");
      config.head.push_back(read_dense(entry.directory));
    } else if (entry.type == "Normalize") {
      require(pooled, "a Normalize follows Pooling");
      config.head.push_back(read_normalize(entry.directory));
    } else {
      // Dropout does nothing outside training.
      check(entry.type == "Dropout", Code::kUnsupported, "{}: got {}, supported: {}", entry.type_value.where(),
            entry.type_value.shown(), kModuleNames);
    }
  }
  check(!config.network_directory.empty(), Code::kUnsupported,
        "{}: no Transformer or StaticEmbedding among the modules", (config.directory / "modules.json").string());
  check(pooled || !config.has_vectors, Code::kUnsupported, "{}: no Pooling among the modules",
        (config.directory / "modules.json").string());

  config.prompts = {{"query", ""}, {"document", ""}};
  if (!settings) return;
  if (const auto prompts = settings->find("prompts")) {
    for (const auto& [name, value] : prompts->members()) config.prompts[name] = prompts->find(name) ? value.text() : "";
  }
  if (const auto value = settings->find("default_prompt_name")) {
    config.default_prompt_name = value->text();
    if (!config.prompts.contains(*config.default_prompt_name)) value->refuse("the name of one of its prompts");
  }
}

void check_head(ModelConfig& config) {
  int64_t width = config.network.hidden_size;
  if (config.pooling_width != 0 && config.pooling_width != width) {
    config.warnings.push_back(message("Pooling says {} dimensions, the network has {}: the network's are taken.",
                                      config.pooling_width, width));
  }
  for (const HeadStep& step : config.head) {
    if (step.kind != HeadStep::Kind::kDense) continue;
    check(step.in_features == width, Code::kFormat, "{}: in_features: got {}, expected {}",
          (step.directory / "config.json").string(), step.in_features, width);
    width = step.out_features;
  }
}

void read_token_limits(ModelConfig& config, bool with_modules) {
  const int64_t positions = config.network.max_positions();
  std::optional<JsonValue> explicit_limit;
  if (with_modules) {
    if (const auto settings = read_transformer_settings(config.network_directory)) {
      require_usual_output(*settings, config.has_vectors);
      if (const auto value = settings->find("do_lower_case")) config.lower_case_first = value->boolean();
      explicit_limit = settings->find("max_seq_length");
      for (const char* key : {"tokenizer_args", "processor_kwargs"}) {
        const auto arguments = settings->find(key);
        const auto value = arguments ? arguments->find("model_max_length") : std::nullopt;
        if (value) explicit_limit = value;
      }
    }
  }
  if (!explicit_limit) {
    config.max_tokens = std::min(tokenizer_limit(config.network_directory), positions);
    return;
  }
  config.max_tokens = length_limit(*explicit_limit);
  if (config.max_tokens <= positions) return;
  config.warnings.push_back(message("{} is {}, but the network has {} positions: {} tokens are taken.",
                                    explicit_limit->where(), explicit_limit->shown(), positions, positions));
  config.max_tokens = positions;
}

}  // namespace emberline
