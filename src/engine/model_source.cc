// SPDX-License-Identifier: Apache-2.0
#include "engine/model_source.h"

#include <cstdlib>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxRefBytes = 4096;

std::optional<fs::path> environment_path(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return fs::path(value);
}

fs::path hub_cache() {
  if (const auto cache = environment_path("HF_HUB_CACHE")) return *cache;
  if (const auto home = environment_path("HF_HOME")) return *home / "hub";
  if (const auto cache = environment_path("XDG_CACHE_HOME")) return *cache / "huggingface" / "hub";
  return environment_path("HOME").value_or(".") / ".cache" / "huggingface" / "hub";
}

bool is_hub_part(std::string_view part) {
  if (part.empty() || part.front() == '.') return false;
  for (const char c : part) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_word && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

// Folders of the cache that may hold the id; none where the text cannot be an id.
std::vector<fs::path> hub_folders(std::string_view id) {
  const size_t slash = id.find('/');
  const std::string name(id.substr(slash == id.npos ? 0 : slash + 1));
  if (!is_hub_part(name)) return {};
  if (slash == id.npos) {
    return {hub_cache() / ("models--" + name), hub_cache() / ("models--sentence-transformers--" + name)};
  }
  const std::string organisation(id.substr(0, slash));
  if (!is_hub_part(organisation)) return {};
  return {hub_cache() / ("models--" + organisation + "--" + name)};
}

std::optional<fs::path> snapshot_of_main(const fs::path& folder) {
  const fs::path ref = folder / "refs" / "main";
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) return std::nullopt;
  std::string commit = read_text_file(ref, kMaxRefBytes);
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == '\r' || commit.back() == ' ')) commit.pop_back();
  if (!is_hub_part(commit)) return std::nullopt;
  const fs::path snapshot = folder / "snapshots" / commit;
  if (!fs::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

}  // namespace

fs::path find_model_directory(const std::string& model) {
  check(!model.empty(), Code::kInvalidArgument, "load: got an empty model, expected a directory or a hub id");
  std::error_code ignored;
  const fs::path path(model);
  if (fs::is_directory(path, ignored)) return path;
  check(!is_there(path), Code::kIo, "load {}: is a file, expected a model's directory", model);
  std::string places = "directory " + fs::absolute(path, ignored).string();
  for (const fs::path& folder : hub_folders(model)) {
    if (const auto snapshot = snapshot_of_main(folder)) return *snapshot;
    places += ", Hugging Face cache " + folder.string();
  }
  fail(Code::kIo, "load {}: no such model; looked at {} (nothing is downloaded)", model, places);
}

}  // namespace emberline
