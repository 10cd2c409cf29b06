// SPDX-License-Identifier: Apache-2.0
#include "model/static_table.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/convert.h"
#include "base/error.h"

namespace emberline {
namespace {

constexpr int64_t kModel2VecTokens = 512;  // of a text, where config.json does not say

constexpr const char* kMapping = "mapping";  // [tokens]: rows of the table
constexpr const char* kWeights = "weights";  // [tokens]

struct TableNames {
  const char* words;
  const char* ending;
};

TableNames names_of(const Weights& weights) {
  const bool is_own = !weights.has("embedding.weight") && weights.has("embeddings");
  const TableNames names = is_own ? TableNames{"embeddings", ""} : TableNames{"embedding", ".weight"};
  for (const char* part : {kMapping, kWeights}) {
    check(
        is_own || !weights.has(part), Code::kUnsupported,
        "{}: holds tensors embedding.weight and {}, which the reference does not take together; supported: embeddings "
        "and {}",
        weights.source(), part, part);
  }
  const std::string name = std::string(names.words) + names.ending;
  check(weights.has(name), Code::kFormat, "{}: holds neither tensor embedding.weight nor embeddings: no static model",
        weights.source());
  return names;
}

// A tensor of any numbers, in f32.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

template <typename T>
std::vector<T> copied(const OtherTensor& tensor) {
  size_t count = 1;
  for (const int64_t extent : tensor.shape) count *= static_cast<size_t>(extent);
  std::vector<T> values(count);
  std::memcpy(values.data(), tensor.data, count * sizeof(T));
  return values;
}

Numbers numbers_of(const Weights& weights, const std::string& name) {
  const OtherTensor* other = weights.other(name);
  if (other == nullptr) {
    const TensorView& tensor = weights.tensors().at(name);
    return {tensor.shape, to_f32(tensor)};
  }
  if (other->dtype == "I8") {
    const std::vector<int8_t> values = copied<int8_t>(*other);
    return {other->shape, {values.begin(), values.end()}};
  }
  check(other->dtype == "F64", Code::kUnsupported, "{}: tensor {} has dtype {}, expected F64, F32, F16, BF16 or I8",
        weights.file_of(name), name, other->dtype);
  Numbers numbers{other->shape, {}};
  for (const double value : copied<double>(*other)) numbers.values.push_back(static_cast<float>(value));
  return numbers;
}

std::vector<int64_t> rows_of_tokens(const Weights& weights, int64_t num_rows) {
  const OtherTensor* found = weights.other(kMapping);
  if (found == nullptr) {
    fail(Code::kUnsupported, "{}: tensor {} holds floats, expected I64 or I32", weights.file_of(kMapping), kMapping);
  }
  const OtherTensor& mapping = *found;
  check(mapping.dtype == "I64" || mapping.dtype == "I32", Code::kUnsupported,
        "{}: tensor {} has dtype {}, expected I64 or I32", weights.file_of(kMapping), kMapping, mapping.dtype);
  std::vector<int64_t> rows;
  if (mapping.dtype == "I64") {
    rows = copied<int64_t>(mapping);
  } else {
    for (const int32_t row : copied<int32_t>(mapping)) rows.push_back(row);
  }
  check(mapping.shape.size() == 1 && !rows.empty(), Code::kFormat,
        "{}: tensor {} has shape {}, expected a row of each token", weights.file_of(kMapping), kMapping,
        show_shape(mapping.shape));
  for (size_t token = 0; token < rows.size(); ++token) {
    check(rows[token] >= 0 && rows[token] < num_rows, Code::kFormat,
          "{}: tensor {} gives token {} row {}, expected 0 to {}: the table has {} rows", weights.file_of(kMapping),
          kMapping, token, rows[token], num_rows - 1, num_rows);
  }
  return rows;
}

}  // namespace

void read_static_module(const std::filesystem::path& directory, ModelConfig& config) {
  config.network_directory = directory;
  config.has_network = false;
  config.pooling = Pooling::kMean;
}

bool is_model2vec(const JsonValue& file) {
  const auto value = file.find("model_type");
  return value && value->is_text() && value->text() == "model2vec";
}

void read_model2vec(const JsonValue& file, ModelConfig& config) {
  read_static_module(config.directory, config);
  config.drops_unknown = true;
  config.max_tokens = kModel2VecTokens;
  for (const auto& [key, value] : file.members()) {
    // A null stands for no limit.
    if (key == "max_length") config.max_tokens = file.find(key) ? value.integer(1, kNoTokenLimit) : kNoTokenLimit;
  }
  const auto normalize = file.find("normalize");
  if (normalize && normalize->boolean()) config.head.emplace_back();
}

Weights open_static_table(const std::filesystem::path& directory) {
  Weights weights = Weights::open(directory);
  const TableNames names = names_of(weights);
  const std::string name = std::string(names.words) + names.ending;
  const bool is_shared = weights.has(kMapping);
  const bool is_weighed = weights.has(kWeights);
  if (!is_shared && !is_weighed && weights.other(name) == nullptr) return weights;
  const Numbers table = numbers_of(weights, name);
  check(table.shape.size() == 2, Code::kFormat,
        "{}: tensor {} has {} dimensions, expected a table of tokens by features", weights.source(), name,
        table.shape.size());
  std::vector<int64_t> rows;
  if (is_shared) {
    rows = rows_of_tokens(weights, table.shape[0]);
  } else {
    for (int64_t row = 0; row < table.shape[0]; ++row) rows.push_back(row);
  }
  const auto num_tokens = static_cast<int64_t>(rows.size());
  Numbers factors{{num_tokens}, {}};
  if (is_weighed) factors = numbers_of(weights, kWeights);
  check(factors.shape == std::vector<int64_t>{num_tokens}, Code::kFormat, "{}: tensor {} has shape {}, expected {}: {}",
        weights.file_of(kWeights), kWeights, show_shape(factors.shape), show_shape({num_tokens}),
        message("a number for each of the tokens of {}", is_shared ? kMapping : name.c_str()));
  const int64_t width = table.shape[1];
  std::vector<float> folded;
  folded.reserve(static_cast<size_t>(num_tokens * width));
  for (size_t token = 0; token < rows.size(); ++token) {
    const float factor = is_weighed ? factors.values[token] : 1;
    const float* row = table.values.data() + rows[token] * width;
    for (int64_t i = 0; i < width; ++i) folded.push_back(factor * row[i]);
  }
  weights.forget(kWeights);
  weights.replace(name, {num_tokens, width}, std::move(folded));
  return weights;
}

NetworkConfig read_static_network(const std::filesystem::path& directory) {
  const Weights weights = Weights::open(directory);
  const TableNames names = names_of(weights);
  NetworkConfig network;
  network.model_type = "static";
  network.tensors = {.prefix = "",
                     .words = names.words,
                     .words_ending = names.ending,
                     .positions = nullptr,
                     .types = nullptr,
                     .embedding_norm = nullptr};
  const std::string name = std::string(names.words) + names.ending;
  const OtherTensor* other = weights.other(name);
  const std::vector<int64_t>& shape = other != nullptr ? other->shape : weights.tensors().at(name).shape;
  check(shape.size() == 2 && shape[0] > 0 && shape[1] > 0, Code::kFormat,
        "{}: tensor {} has {} dimensions, expected a table of tokens by features", weights.source(), name,
        shape.size());
  const OtherTensor* mapping = weights.other(kMapping);
  network.vocab_size = mapping != nullptr && !mapping->shape.empty() ? mapping->shape[0] : shape[0];
  network.hidden_size = shape[1];
  network.embedding_size = network.hidden_size;
  network.num_attention_heads = 1;
  network.max_position_embeddings = kNoTokenLimit;
  return network;
}

}  // namespace emberline
