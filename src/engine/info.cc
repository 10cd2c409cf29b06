// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/reasons.h"
#include "engine/settings.h"

namespace emberline {
namespace {

// A model without a limit is not expected to get longer texts.
constexpr int64_t kLongestExpected = 1 << 15;

// Numbers of the products that read n-grams.
int64_t ngram_parameters(const NetworkConfig& network) {
  int64_t total = static_cast<int64_t>(network.ngrams.size()) * network.embedding_size * network.ngram_features;
  for (const Ngrams& ngrams : network.ngrams)
    total += 2 * ngrams.size * network.ngram_features * network.ngram_features;
  return total;
}

// Activations of n-grams: hidden states, what branches begin with and leave between their two products, and the rows
// of the longest side by side, as they are and as an operand.
int64_t ngram_floats_per_token(const NetworkConfig& network) {
  int64_t longest = 0;
  for (const Ngrams& ngrams : network.ngrams) longest = std::max(longest, ngrams.size);
  const int64_t columns = static_cast<int64_t>(network.ngrams.size()) * network.ngram_features;
  return network.hidden_size + columns + (1 + 2 * longest) * network.ngram_features;
}

// Packed weights plus the activations of every thread's batch: hidden states, the widest product and what combines
// layers. Weights of the layers' products take the dtype's size, tables and the rest are f32.
int64_t estimated_memory_bytes(const LoadedModel& model, const Settings& settings, DType dtype) {
  const NetworkConfig& network = model.config.network;
  const int64_t inner = network.gated ? 2 : 1;  // products that a feed-forward begins with
  const int64_t in_attention = 2 * network.query_size() + 2 * network.key_size();
  const int64_t in_layers =
      network.num_stored_layers() * network.hidden_size * (in_attention + (1 + inner) * network.intermediate_size);
  const int64_t in_products = std::min(model.parameters, in_layers + ngram_parameters(network));
  const int64_t weights = in_products * static_cast<int64_t>(dtype_bytes(dtype)) +
                          (model.parameters - in_products) * static_cast<int64_t>(sizeof(float));
  // What layers keep of relative positions.
  const int64_t num_terms = (network.relative.by_query ? 1 : 0) + (network.relative.by_key ? 1 : 0);
  const int64_t terms = num_terms * network.num_stored_layers() * 2 * network.relative.span * network.hidden_size *
                        static_cast<int64_t>(sizeof(float));
  const int64_t widest = std::max(network.query_size() + 2 * network.key_size(), inner * network.intermediate_size);
  const int64_t num_combined =
      settings.selection.op == LayerOp::kConcat ? static_cast<int64_t>(settings.selection.layers.size()) : 1;
  const int64_t floats_per_token = network.ngrams.empty()
                                       ? 3 * network.hidden_size + widest + num_combined * network.hidden_size
                                       : ngram_floats_per_token(network);
  const int64_t tokens =
      settings.num_threads * std::max(settings.batch_tokens, std::min(settings.max_tokens, kLongestExpected));
  return weights + terms + tokens * floats_per_token * static_cast<int64_t>(sizeof(float));
}

// What comes behind the network, in order.
std::vector<std::string> head_steps(const ModelConfig& config) {
  std::vector<std::string> steps = {message("Pooling {}", pooling_name(config.pooling))};
  for (const HeadStep& step : config.head) {
    if (step.kind == HeadStep::Kind::kNormalize) {
      steps.emplace_back("Normalize");
    } else if (step.kind == HeadStep::Kind::kResidualBlocks) {
      steps.push_back(message("Dense {} to {}, {} residual blocks to {}", step.in_features, step.pooled_features,
                              step.blocks.size(), step.out_features));
    } else {
      steps.push_back(message("Dense {} to {}{}{}", step.in_features, step.out_features, step.bias ? "" : ", no bias",
                              step.use_residual ? ", residual" : ""));
    }
  }
  return steps;
}

std::string agreement_warning(const LoadedModel& model) {
  if (!model.int8_agreement) return {};
  const Agreement& int8 = *model.int8_agreement;
  if (int8.mean >= kGoodAgreement.mean && int8.worst >= kGoodAgreement.worst) return {};
  return message(
      "int8 vectors of this model have a cosine to f32 of {} in the mean and {} at worst on {} built-in texts.",
      int8.mean, int8.worst, int8.num_texts);
}

}  // namespace

std::string describe(const LoadedModel& model, const Settings& settings, const Settings* rerank) {
  const NetworkConfig& network = model.config.network;
  std::vector<std::string> warnings = model.config.warnings;
  warnings.insert(warnings.end(), model.tokenizer.warnings().begin(), model.tokenizer.warnings().end());
  if (!model.cache_warning.empty()) warnings.push_back(model.cache_warning);
  if (const std::string warning = agreement_warning(model); !warning.empty()) warnings.push_back(warning);
  if (const std::string remark = model.backend->remark(); !remark.empty()) warnings.push_back(remark);
  std::vector<std::string> prompt_names;
  prompt_names.reserve(model.config.prompts.size());
  for (const auto& [name, text] : model.config.prompts) prompt_names.push_back(name);

  nlohmann::ordered_json info;
  info["model"] = model.config.directory.string();
  info["architecture"] = network.model_type;
  info["layers"] = network.num_hidden_layers;
  info["hidden"] = network.hidden_size;
  info["intermediate"] = network.intermediate_size;
  info["dim"] = settings.dim;
  info["pooling"] = pooling_name(settings.plan.pooling);
  info["normalize"] = settings.normalize;
  info["max_tokens"] = settings.max_tokens;
  info["vocab_size"] = model.tokenizer.vocab_size();
  info["device"] = model.device;
  info["dtype"] = dtype_name(model.backend->dtype());
  info["isa"] = model.backend->describe();
  info["threads"] = settings.num_threads;
  info["batch_tokens"] = settings.batch_tokens;
  info["parameters"] = model.parameters;
  info["weights_bytes"] = model.weights_bytes;
  info["estimated_memory_bytes"] = estimated_memory_bytes(model, settings, model.backend->dtype());
  if (const std::optional<Agreement>& int8 = model.int8_agreement) {
    info["int8_cosine"] = {{"mean", int8->mean}, {"worst", int8->worst}, {"texts", int8->num_texts}};
  }
  info["cache_file"] = model.cache_file.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(model.cache_file);
  info["layers_selected"] = settings.selection.layers;
  info["layer_op"] = layer_op_name(settings.selection.op);
  info["dims"] = settings.plan.dims == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(settings.plan.dims);
  info["prompt"] = settings.prompt;
  info["prompt_name"] = settings.prompt_name;
  info["prompt_names"] = prompt_names;
  const TaskAdapters& adapters = model.config.adapters;
  info["task"] = adapters.chosen ? nlohmann::ordered_json(adapters.tasks[*adapters.chosen]) : nlohmann::ordered_json();
  info["tasks"] = adapters.tasks;
  info["long_text"] = long_text_name(settings.long_text);
  info["labels"] = rerank != nullptr ? rerank->dim : 0;
  info["activation"] =
      rerank != nullptr ? nlohmann::ordered_json(activation_name(rerank->score_activation)) : nlohmann::ordered_json();
  info["output"] = output_name(settings.output);
  info["vector_bytes"] = settings.vector_bytes;
  info["notes"] = settings.notes;
  info["warnings"] = warnings;
  info["attention_heads"] = network.num_attention_heads;
  info["head"] = head_steps(model.config);
  info["tokenizer"] = model.tokenizer.description();
  std::vector<std::string> unsupported;
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    info["memory_bytes_by_dtype"][dtype_name(dtype)] = estimated_memory_bytes(model, settings, dtype);
    Reasons reasons;
    if (!reasons.attempt([&] { make_cpu_backend("auto", dtype); })) unsupported.push_back(reasons.text());
  }
  info["unsupported"] = unsupported;
  // Prompts and paths may hold bytes that are no UTF-8; JSON may not.
  return info.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace emberline
