// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include "base/error.h"
#include "engine/model_source.h"

namespace emberline {

struct LoadedModel {};
struct Engine::Settings {};

Engine Engine::load(const std::string& path, const Options&) {
  const std::filesystem::path directory = find_model_directory(path);
  fail(Code::kUnsupported, "load {}: this build has no encoder", directory.string());
}

Engine Engine::derive(const Options& options) const {
  return Engine(model_, options);
}
Engine::Engine(std::shared_ptr<const LoadedModel> model, const Options&) : model_(std::move(model)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;

int64_t Engine::dim() const {
  return 0;
}
int64_t Engine::max_tokens() const {
  return 0;
}

const std::string& Engine::info() const {
  static const std::string empty;
  return empty;
}

const std::string& Engine::row_message(RowStatus) const {
  return info();
}

void Engine::embed(const RowsView&, const VectorsView&, const Progress&, Stats&) const {
  fail(Code::kUnsupported, "embed: this build has no encoder");
}

void Engine::tokenize(std::string_view, Encoding&) const {
  fail(Code::kUnsupported, "tokenize: this build has no tokenizer");
}

}  // namespace emberline
