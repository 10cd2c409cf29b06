// SPDX-License-Identifier: Apache-2.0
#include "model/task_adapters.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/mapped_file.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using Layout = TaskAdapters::Layout;

void read_stacked(const JsonValue& file, const JsonValue& tasks, ModelConfig& config) {
  TaskAdapters& adapters = config.adapters;
  adapters.layout = Layout::kStacked;
  for (const JsonValue& task : tasks.items()) {
    const std::string name = task.text();
    const bool is_known = std::find(adapters.tasks.begin(), adapters.tasks.end(), name) != adapters.tasks.end();
    if (is_known || name.empty()) task.refuse("a name that no other task has");
    adapters.tasks.push_back(name);
  }
  if (adapters.tasks.empty()) tasks.refuse("at least one task");
  adapters.rank = file.at("lora_rank").integer(1, 1 << 16);
  const JsonValue alpha = file.at("lora_alpha");
  adapters.alpha = alpha.number();
  if (!std::isfinite(adapters.alpha)) alpha.refuse("a number");
  const auto instructions = file.find("task_instructions");
  if (!instructions) return;
  // A prompt that sentence-transformers' own file has by that name stays.
  for (const auto& [name, text] : instructions->members()) config.prompts.try_emplace(name, text.text());
}

// By the name of the task; those of the network's own directory first.
std::map<std::string, fs::path> adapter_folders(const fs::path& network_directory) {
  std::map<std::string, fs::path> folders;
  for (const fs::path& above : {network_directory, network_directory / "adapters"}) {
    std::error_code none;
    for (fs::directory_iterator entry(above, none), end; !none && entry != end; entry.increment(none)) {
      if (!is_there(entry->path() / "adapter_config.json")) continue;
      folders.emplace(entry->path().filename().string(), entry->path());
    }
  }
  return folders;
}

// The task's own name, else one that is the same but for punctuation.
std::vector<std::string>::const_iterator find_meant(const std::vector<std::string>& names, std::string_view task) {
  const auto found = std::find(names.begin(), names.end(), task);
  if (found != names.end()) return found;
  return std::find_if(names.begin(), names.end(), [&](const std::string& name) { return same_task(name, task); });
}

}  // namespace

void read_task_adapters(const JsonValue& file, ModelConfig& config) {
  if (const auto tasks = file.find("lora_adaptations")) return read_stacked(file, *tasks, config);
  for (const auto& [task, folder] : adapter_folders(config.network_directory)) {
    config.adapters.layout = Layout::kFolders;
    config.adapters.tasks.push_back(task);
    config.adapters.folders.push_back(folder);
  }
}

bool same_task(std::string_view a, std::string_view b) {
  const auto folded = [](char c) { return c == '.' || c == '-' ? '_' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return folded(x) == folded(y); });
}

void choose_task(ModelConfig& config, std::string_view task) {
  TaskAdapters& adapters = config.adapters;
  check(!adapters.tasks.empty(), Code::kInvalidArgument,
        "option task: got \"{}\", but {} has no adapters for tasks; leave task out", task, config.directory.string());
  const auto chosen = find_meant(adapters.tasks, task);
  if (chosen == adapters.tasks.end()) {
    std::string known;
    for (const std::string& name : adapters.tasks) known += (known.empty() ? "" : ", ") + name;
    fail(Code::kInvalidArgument, "option task: got \"{}\", expected one of this model's tasks: {}", task, known);
  }
  adapters.chosen = static_cast<size_t>(chosen - adapters.tasks.begin());
  std::vector<std::string> prompt_names;
  for (const auto& [name, text] : config.prompts) prompt_names.push_back(name);
  const auto prompt = find_meant(prompt_names, task);
  if (prompt != prompt_names.end()) config.default_prompt_name = *prompt;
}

}  // namespace emberline
