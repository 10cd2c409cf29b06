// SPDX-License-Identifier: Apache-2.0
#include "engine/settings.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "engine/ranges.h"

namespace emberline {
namespace {

void resolve_prompt(const ModelConfig& config, const Options& options, Settings& settings) {
  if (options.prompt) {
    settings.prompt = *options.prompt;
    if (options.prompt_name) {
      settings.notes.push_back("prompt_name=" + *options.prompt_name + " is not used: prompt wins over it.");
    }
    return;
  }
  const std::optional<std::string>& name = options.prompt_name ? options.prompt_name : config.default_prompt_name;
  if (!name) return;
  const auto found = config.prompts.find(*name);
  if (found == config.prompts.end()) {
    std::string known;
    for (const auto& [key, text] : config.prompts) known += (known.empty() ? "" : ", ") + key;
    fail(Code::kInvalidArgument, "option prompt_name: got \"{}\", expected one of this model's prompts: {}", *name,
         known.empty() ? "it has none" : known);
  }
  settings.prompt = found->second;
  settings.prompt_name = *name;
}

void resolve_max_tokens(const LoadedModel& model, const Options& options, Settings& settings) {
  const int64_t smallest = model.tokenizer.num_special_tokens() + 1;
  const int64_t largest = model.config.network.max_positions();
  settings.max_tokens = options.max_tokens.value_or(model.config.max_tokens);
  check(settings.max_tokens >= smallest && settings.max_tokens <= largest,
        options.max_tokens ? Code::kInvalidArgument : Code::kFormat,
        "option max_tokens: got {}, expected {} (special tokens and one more) to {} (positions of this model)",
        settings.max_tokens, smallest, largest);
}

// Tokens of the prompt that pooling leaves out, counted as sentence-transformers does: the prompt alone is tokenized,
// and a special token that closes it does not count.
int64_t count_prompt_tokens(const Tokenizer& tokenizer, const Settings& settings) {
  Encoding prompt;
  tokenizer.encode(settings.prompt, settings.max_tokens, prompt);
  Encoding empty;
  tokenizer.encode("", settings.max_tokens, empty);
  const bool is_closed = !empty.ids.empty() && !prompt.ids.empty() && prompt.ids.back() == empty.ids.back();
  return static_cast<int64_t>(prompt.ids.size()) - (is_closed ? 1 : 0);
}

void resolve_windows(const LoadedModel& model, const Options& options, Settings& settings) {
  settings.long_text = options.long_text;
  if (options.long_text != LongText::kChunk) {
    if (options.window) settings.notes.push_back("window is not used: it goes with long_text=chunk.");
    if (options.overlap > 0) settings.notes.push_back("overlap is not used: it goes with long_text=chunk.");
    return;
  }
  const Tokenizer& tokenizer = model.tokenizer;
  WindowPlan& plan = settings.windows;
  plan.tail_tokens = tokenizer.num_special_tokens() - tokenizer.num_leading_special_tokens();
  Encoding prompt;
  tokenizer.encode(settings.prompt, settings.max_tokens, prompt);
  plan.head_tokens = static_cast<int64_t>(prompt.ids.size()) - plan.tail_tokens;
  const int64_t around = plan.head_tokens + plan.tail_tokens;
  const int64_t window = options.window.value_or(settings.max_tokens);
  check(window > around && window <= settings.max_tokens, Code::kInvalidArgument,
        "option window: got {}, expected {} (special tokens, the prompt's and one more) to {} (max_tokens)", window,
        around + 1, settings.max_tokens);
  plan.size = window - around;
  check(options.overlap < plan.size, Code::kInvalidArgument,
        "option overlap: got {}, expected less than the {} tokens of text in a window of {}", options.overlap,
        plan.size, window);
  plan.overlap = options.overlap;
}

void resolve_head(const LoadedModel& model, const Options& options, Settings& settings) {
  const ModelConfig& config = model.config;
  const int64_t num_layers = config.network.num_hidden_layers;
  settings.selection = {resolve_layers(options.layers, num_layers), options.layer_op};
  settings.plan.pooling = options.pooling.value_or(config.pooling);
  settings.plan.normalize = options.normalize;
  settings.plan.use_dense = settings.selection.layers == std::vector<int64_t>{num_layers};
  const bool has_dense = std::any_of(config.head.begin(), config.head.end(),
                                     [](const HeadStep& step) { return step.kind == HeadStep::Kind::kDense; });
  if (has_dense && !settings.plan.use_dense) {
    settings.notes.push_back("The model's Dense head does not apply with layers=" + options.layers + ".");
  }
  if (settings.plan.pooling != config.pooling) {
    settings.notes.push_back(message("pooling={} is in force; the model's own is {}.",
                                     pooling_name(settings.plan.pooling), pooling_name(config.pooling)));
  }
  if (!config.include_prompt && !settings.prompt.empty()) {
    settings.plan.prompt_tokens = count_prompt_tokens(model.tokenizer, settings);
  }
  const bool concatenates = options.layer_op == LayerOp::kConcat;
  const int64_t width =
      config.network.hidden_size * (concatenates ? static_cast<int64_t>(settings.selection.layers.size()) : 1);
  settings.dim = model.head.output_dim(settings.plan, width);
  if (options.dims) {
    check(*options.dims <= settings.dim, Code::kInvalidArgument,
          "option dims: got {}, expected 1 to {}, the dimensions of this model's vectors", *options.dims, settings.dim);
    settings.plan.dims = *options.dims;
    settings.dim = model.head.output_dim(settings.plan, width);
  }
  settings.normalize = model.head.normalizes(settings.plan);
}

void resolve_output(const LoadedModel& model, const Options& options, Settings& settings) {
  settings.output = options.output;
  settings.vector_bytes = output_bytes(options.output, settings.dim);
  if (options.output == Output::kInt8 || options.output == Output::kUint8) {
    settings.levels = read_levels(model, settings, options.ranges);
  } else if (options.ranges) {
    settings.notes.push_back("ranges is not used: it goes with output=int8 and uint8.");
  }
}

}  // namespace

Settings resolve_settings(const LoadedModel& model, const Options& options) {
  const NetworkConfig& network = model.config.network;
  Settings settings;
  resolve_prompt(model.config, options, settings);
  resolve_max_tokens(model, options, settings);
  resolve_head(model, options, settings);
  resolve_output(model, options, settings);
  resolve_windows(model, options, settings);
  if (!model.config.has_vectors) settings.dim = settings.vector_bytes = 0;
  const int64_t width = network.ngrams.empty() ? network.hidden_size : network.ngram_features;
  settings.batch_tokens =
      options.batch_tokens.value_or(model.backend->preferred_batch_tokens(width, network.intermediate_size));
  settings.num_threads = options.threads.value_or(allowed_cpus());
  return settings;
}

Settings resolve_rerank(const LoadedModel& model, const Options& options, const Settings& of_embed) {
  check(model.classifier.has_value(), Code::kUnsupported, "rerank: {}", model.config.no_classifier);
  const Tokenizer& tokenizer = model.tokenizer;
  check(tokenizer.encodes_pairs(), Code::kUnsupported,
        "rerank: {}: {} does not say how two texts become one sequence, expected a template for pairs",
        model.config.directory.string(), tokenizer.description());
  check(options.long_text != LongText::kChunk, Code::kInvalidArgument,
        "rerank: option long_text: got chunk, which makes one vector of several windows, expected truncate or error");
  // A token of each text at least.
  const int64_t smallest = tokenizer.num_pair_special_tokens() + 2;
  check(of_embed.max_tokens >= smallest, Code::kInvalidArgument,
        "rerank: option max_tokens: got {}, expected at least {} (special tokens of a pair and one of each text)",
        of_embed.max_tokens, smallest);
  Settings settings = of_embed;
  settings.is_rerank = true;
  settings.score_activation = options.activation.value_or(model.config.classifier->score_activation);
  settings.selection = {{model.config.network.num_hidden_layers}, LayerOp::kMean};
  settings.dim = model.classifier->num_labels();
  settings.output = Output::kFloat32;
  settings.vector_bytes = output_bytes(settings.output, settings.dim);
  return settings;
}

}  // namespace emberline
