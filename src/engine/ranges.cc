// SPDX-License-Identifier: Apache-2.0
#include "engine/ranges.h"

#include <sys/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/new_file.h"
#include "model/json_value.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnFile = "emberline_ranges.json";  // in a model's folder
constexpr size_t kSamples = 256;                           // of each file of weights
constexpr size_t kSampleBytes = 64;
constexpr mode_t kReadableByAll = 0666;  // less the umask

// FNV-1a, 64 bits.
void mix(uint64_t& print, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) print = (print ^ std::to_integer<uint64_t>(byte)) * 0x100000001B3ULL;
}

std::vector<float> read_numbers(const JsonValue& file, const char* key, int64_t dim) {
  std::vector<float> numbers;
  const JsonValue list = file.at(key);
  for (const JsonValue& item : list.items()) numbers.push_back(static_cast<float>(item.number()));
  check(static_cast<int64_t>(numbers.size()) == dim, Code::kFormat, "{}: got {} numbers, expected {} (dim)",
        list.where(), numbers.size(), dim);
  return numbers;
}

// Sizes of the weights' files and a sample of their bytes: 16 hexadecimal digits.
std::string weights_print(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  uint64_t print = 0xCBF29CE484222325ULL;
  for (const fs::path& path : files) {
    const MappedFile file(path);
    const std::span<const std::byte> bytes = file.bytes();
    const uint64_t size = bytes.size();
    mix(print, std::as_bytes(std::span(&size, 1)));
    for (size_t i = 0; i < kSamples && size >= kSampleBytes; ++i) {
      mix(print, bytes.subspan((size - kSampleBytes) / kSamples * i, kSampleBytes));
    }
  }
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(print >> shift) & 15];
  return digits;
}

// The options that a vector's numbers depend on, by name, in words.
std::vector<std::pair<std::string, std::string>> options_of_vectors(const LoadedModel& model,
                                                                    const Settings& settings) {
  std::string layers;
  for (const int64_t layer : settings.selection.layers) {
    if (!layers.empty()) layers += ',';
    layers += std::to_string(layer);
  }
  const TaskAdapters& adapters = model.config.adapters;
  return {{"task", adapters.chosen ? adapters.tasks[*adapters.chosen] : ""},
          {"layers", layers},
          {"layer_op", layer_op_name(settings.selection.op)},
          {"pooling", pooling_name(settings.plan.pooling)},
          {"normalize", settings.normalize ? "true" : "false"}};
}

}  // namespace

void write_ranges(const LoadedModel& model, const Settings& settings, std::span<const float> least,
                  std::span<const float> largest, int64_t num_vectors, const fs::path& file) {
  check(num_vectors > 0, Code::kInvalidArgument, "{}: ranges need rows with a vector, and there were none",
        file.string());
  for (size_t i = 0; i < least.size(); ++i) {
    check(least[i] <= largest[i], Code::kInvalidArgument, "{}: got {} to {} for dimension {}, expected a range",
          file.string(), least[i], largest[i], i);
  }
  nlohmann::ordered_json content;
  content["model"] = weights_print(model.config.network_directory);
  content["dim"] = settings.dim;
  for (const auto& [name, value] : options_of_vectors(model, settings)) content["options"][name] = value;
  content["rows"] = num_vectors;
  content["least"] = least;
  content["largest"] = largest;
  const std::string text = content.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const auto bytes = static_cast<int64_t>(text.size());
  NewFile out(file, kReadableByAll);
  out.write_at(0, text.data(), bytes);
  out.finish(bytes);
}

OutputLevels read_levels(const LoadedModel& model, const Settings& settings, const std::optional<std::string>& file) {
  const fs::path path = file ? fs::path(*file) : model.config.directory / kOwnFile;
  const char* how = "`emberline calibrate TABLE -o FILE --model MODEL` makes one; name it in option ranges";
  check(is_there(path), Code::kInvalidArgument, "option output: int8 and uint8 need ranges, and there is no {}; {}",
        path.string(), how);
  const JsonValue ranges = JsonValue::read(path);
  const std::string its_print = ranges.at("model").text();
  const std::string print = weights_print(model.config.network_directory);
  check(its_print == print, Code::kInvalidArgument, "option ranges: {} is of another model (got {}, expected {}); {}",
        path.string(), its_print, print, how);
  const JsonValue options = ranges.at("options");
  for (const auto& [name, value] : options_of_vectors(model, settings)) {
    const std::string its_value = options.at(name).text();
    check(its_value == value, Code::kInvalidArgument, "option ranges: {} is for {}={}, but {}={} is in force; {}",
          path.string(), name, its_value, name, value, how);
  }
  const int64_t dim = ranges.at("dim").integer(1, int64_t{1} << 24);
  check(dim == settings.dim, Code::kInvalidArgument,
        "option ranges: {} is for vectors of {} dimensions, but these have {}; {}", path.string(), dim, settings.dim,
        how);
  const std::vector<float> least = read_numbers(ranges, "least", dim);
  const std::vector<float> largest = read_numbers(ranges, "largest", dim);
  for (size_t i = 0; i < least.size(); ++i) {
    check(least[i] <= largest[i], Code::kFormat, "{}: got {} to {} for dimension {}, expected the least value first",
          path.string(), least[i], largest[i], i);
  }
  return levels_between(least, largest);
}

}  // namespace emberline
