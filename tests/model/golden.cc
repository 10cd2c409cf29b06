// SPDX-License-Identifier: Apache-2.0
#include "model/golden.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>

#include "model/json_value.h"

namespace emberline {
namespace {

std::vector<float> slice(const TensorView& tensor, int64_t begin, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::memcpy(values.data(), tensor.data + 4 * begin, values.size() * 4);
  return values;
}

}  // namespace

std::vector<float> Golden::vector(int64_t row) const {
  const TensorView& all = tensors.tensors().at("vectors");
  return slice(all, row * all.shape.at(1), all.shape.at(1));
}

std::vector<float> Golden::hidden(int64_t row, int64_t layer) const {
  const TensorView& all = tensors.tensors().at("hidden." + std::to_string(row));
  const int64_t size = all.shape.at(1) * all.shape.at(2);
  return slice(all, layer * size, size);
}

Golden read_golden(const std::string& model) {
  const std::string path = std::string(EMB_SOURCE_DIR) + "/tests/golden/" + model;
  const JsonValue file = JsonValue::read(path + ".json");
  Golden golden;
  golden.tensors = Weights::open_file(path + ".safetensors");
  golden.max_tokens = file.at("max_tokens").integer(1, 1 << 24);
  golden.prompt_tokens = file.at("prompt_tokens").integer(0, 1 << 20);
  for (const JsonValue& row : file.at("layer_rows").items()) golden.layer_rows.push_back(row.integer(0, 1 << 20));
  for (const JsonValue& row : file.at("ids").items()) {
    std::vector<int32_t> ids;
    for (const JsonValue& id : row.items()) ids.push_back(static_cast<int32_t>(id.integer(0, 1 << 30)));
    golden.ids.push_back(std::move(ids));
  }
  return golden;
}

std::vector<std::string> tiny_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(EMB_SOURCE_DIR) + "/tests/data")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("tiny-")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string model_path(const std::string& model) {
  return std::string(EMB_SOURCE_DIR) + (model.starts_with("tiny-") ? "/tests/data/" : "/build/models/") + model;
}

Batch make_batch(const std::vector<std::vector<int32_t>>& sequences) {
  Batch batch;
  for (const std::vector<int32_t>& ids : sequences) {
    batch.append(ids, std::vector<int32_t>(ids.size(), 0), batch.num_seqs());
  }
  return batch;
}

}  // namespace emberline
