// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/embed_call.h"
#include "engine/loaded_model.h"
#include "engine/model_source.h"
#include "engine/ranges.h"
#include "engine/settings.h"
#include "model/task_adapters.h"

namespace emberline {

struct Engine::State {
  std::shared_ptr<const LoadedModel> model;
  Settings settings;
  std::optional<Settings> rerank;
  std::optional<Error> no_rerank;  // why there is none of them
  std::string info;
  std::array<std::string, 4> row_messages;
};

Engine Engine::load(const std::string& path, const Options& options) {
  // The directory first: a missing model is reported as such whatever the device is.
  const std::string directory = find_model_directory(path).string();
  const DType dtype = options.dtype ? *options.dtype : fastest_dtype();
  return load_on(make_cpu_backend("auto", dtype), directory, options);
}

Engine Engine::load_on(std::unique_ptr<Backend> backend, const std::string& path, const Options& options) {
  const char* usual = std::getenv("EMBERLINE_CACHE_DIR");
  const std::string cache = options.cache_dir.value_or(usual != nullptr ? usual : "");
  auto model = std::make_shared<const LoadedModel>(std::move(backend), find_model_directory(path), cache, options.task);
  // Below it vectors are another model's; between it and what parity asks for, `info` warns.
  if (model->int8_agreement) {
    require_agreement(*model->int8_agreement, model->config.network, path, model->backend->describe());
  }
  return Engine(std::move(model), options);
}

Engine Engine::derive(const Options& options) const {
  const LoadedModel& model = *state_->model;
  const DType dtype = model.backend->dtype();
  check(options.device == "auto" || options.device == model.device, Code::kInvalidArgument,
        "option device: got {}, but the model was loaded on {}; load it again", options.device, model.device);
  check(options.dtype.value_or(dtype) == dtype, Code::kInvalidArgument,
        "option dtype: got {}, but the model was loaded as {}; load it again", dtype_name(*options.dtype),
        dtype_name(dtype));
  const TaskAdapters& adapters = model.config.adapters;
  const std::string task = adapters.chosen ? adapters.tasks[*adapters.chosen] : std::string();
  check(!options.task || same_task(*options.task, task), Code::kInvalidArgument,
        "option task: got {}, but the model was loaded {}; load it again", options.task.value_or(""),
        task.empty() ? "without a task" : "for " + task);
  return Engine(state_->model, options);
}

Engine::Engine(std::shared_ptr<const LoadedModel> model, const Options& options) {
  Settings settings = resolve_settings(*model, options);
  auto state = std::make_unique<State>();
  try {
    state->rerank = resolve_rerank(*model, options, settings);
  } catch (const Error& error) {
    state->no_rerank = error;
    if (options.activation) settings.notes.emplace_back("activation is not used: it goes with models that rerank.");
  }
  state->info = describe(*model, settings, state->rerank ? &*state->rerank : nullptr);
  state->row_messages[static_cast<size_t>(RowStatus::kTooLong)] =
      message("more than max_tokens={} tokens and long_text=error", settings.max_tokens);
  state->row_messages[static_cast<size_t>(RowStatus::kTooLarge)] =
      "the row alone does not fit into memory; a smaller max_tokens or a shorter text takes less";
  state->model = std::move(model);
  state->settings = std::move(settings);
  state_ = std::move(state);
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

int64_t Engine::vector_bytes() const {
  return state_->settings.vector_bytes;
}

int64_t Engine::num_labels() const {
  return state_->rerank ? state_->rerank->dim : 0;
}

int64_t Engine::dim() const {
  return state_->settings.dim;
}
int64_t Engine::max_tokens() const {
  return state_->settings.max_tokens;
}
const std::string& Engine::info() const {
  return state_->info;
}

double Engine::measured_peak() const {
  return state_->model->backend->measured_peak(state_->settings.num_threads);
}

const std::string& Engine::row_message(RowStatus status) const {
  return state_->row_messages.at(static_cast<size_t>(status));
}

void Engine::embed(const RowsView& rows, const VectorsView& out, const Progress& progress, Stats& stats) const {
  stats = Stats();
  const ModelConfig& config = state_->model->config;
  check(config.has_vectors, Code::kUnsupported,
        "embed: {}: a CrossEncoder without Pooling makes no vectors; rerank scores pairs of texts with it",
        config.directory.string());
  rows.validate("embed");
  const Settings& settings = state_->settings;
  out.validate("embed", settings.vector_bytes, output_alignment(settings.output), rows.num_rows);
  EmbedCall(*state_->model, settings, nullptr, rows, out).run(progress, stats);
}

void Engine::rerank(const RowsView& queries, const RowsView& texts, const VectorsView& out, const Progress& progress,
                    Stats& stats) const {
  stats = Stats();
  if (state_->no_rerank) throw *state_->no_rerank;
  queries.validate("rerank: queries");
  texts.validate("rerank: texts");
  check(queries.num_rows == 1 || queries.num_rows == texts.num_rows, Code::kInvalidArgument,
        "rerank: got {} queries for {} texts, expected one for all or one for each", queries.num_rows, texts.num_rows);
  const Settings& settings = *state_->rerank;
  out.validate("rerank", settings.vector_bytes, output_alignment(settings.output), texts.num_rows);
  EmbedCall(*state_->model, settings, &queries, texts, out).run(progress, stats);
}

void Engine::tokenize(std::string_view text, Encoding& out) const {
  const Settings& settings = state_->settings;
  if (settings.prompt.empty()) {
    state_->model->tokenizer.encode(text, settings.max_tokens, out);
  } else {
    state_->model->tokenizer.encode(settings.prompt + std::string(text), settings.max_tokens, out);
  }
}

void Engine::write_ranges(const float* least, const float* largest, int64_t num_vectors,
                          const std::string& file) const {
  const auto dim = static_cast<size_t>(state_->settings.dim);
  emberline::write_ranges(*state_->model, state_->settings, {least, dim}, {largest, dim}, num_vectors, file);
}

}  // namespace emberline
