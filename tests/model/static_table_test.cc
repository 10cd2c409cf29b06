// SPDX-License-Identifier: Apache-2.0
#include "model/static_table.h"

#include <gtest/gtest.h>

#include <cstring>

#include "model/expect_error.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

constexpr const char* kStaticModules =
    R"([{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.StaticEmbedding"},
    {"idx":1,"name":"1","path":"1_Normalize","type":"sentence_transformers.models.Normalize"}])";
constexpr const char* kTable = R"({"embedding.weight":{"dtype":"F16","shape":[5,3],"data_offsets":[0,30]}})";
constexpr const char* kOwnTable = R"({"embeddings":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]}})";

ModelConfig read_table(const std::map<std::string, std::string>& files) {
  const TemporaryDirectory directory;
  for (const auto& [name, text] : files) directory.write(name, text);
  return read_model_config(directory.path());
}

TEST(StaticTable, ModuleWithoutANetworkIsRefused) {
  const ModelConfig config =
      read_table({{"modules.json", kStaticModules}, {"model.safetensors", safetensors(kTable, std::string(30, 0))}});
  EXPECT_FALSE(config.has_network);
  EXPECT_FALSE(config.drops_unknown);
  EXPECT_EQ(config.network.vocab_size, 5);
  EXPECT_EQ(config.network.hidden_size, 3);
  EXPECT_EQ(config.network.num_hidden_layers, 0);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_EQ(config.head.size(), 1U);
  EXPECT_GT(config.max_tokens, 1000000);
}

TEST(StaticTable, SettingsOfModel2VecAreLost) {
  const auto own = [](const std::string& config) {
    return read_table({{"config.json", config}, {"model.safetensors", safetensors(kOwnTable, std::string(32, 0))}});
  };
  const ModelConfig normalized = own(R"({"model_type":"model2vec","normalize":true})");
  EXPECT_TRUE(normalized.drops_unknown);
  EXPECT_EQ(normalized.network.vocab_size, 2);
  EXPECT_EQ(normalized.network.hidden_size, 4);
  EXPECT_EQ(normalized.head.size(), 1U);
  EXPECT_EQ(normalized.max_tokens, 512);
  EXPECT_TRUE(own(R"({"model_type":"model2vec"})").head.empty());
  EXPECT_EQ(own(R"({"model_type":"model2vec","max_length":33})").max_tokens, 33);
  EXPECT_GT(own(R"({"model_type":"model2vec","max_length":null})").max_tokens, 1000000);
}

TEST(StaticTable, TableThatIsNoneIsTaken) {
  const auto refused = [](Code code, const std::string& header, size_t bytes, const std::string& text) {
    expect_error(code, {"model.safetensors", text}, [&] {
      read_table({{"modules.json", kStaticModules}, {"model.safetensors", safetensors(header, std::string(bytes, 0))}});
    });
  };
  refused(Code::kFormat, R"({"other":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}})", 4,
          "holds neither tensor embedding.weight nor embeddings");
  refused(Code::kFormat, R"({"embeddings":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
          "tensor embeddings has 1 dimensions");
  refused(Code::kUnsupported,
          R"({"embedding.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},
              "mapping":{"dtype":"I64","shape":[2],"data_offsets":[4,20]}})",
          20, "holds tensors embedding.weight and mapping");
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

Weights open_table(const std::string& header, const std::string& data) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", safetensors(header, data));
  return open_static_table(directory.path());
}

std::vector<float> table_of(const Weights& weights, const std::vector<int64_t>& shape) {
  const TensorView& table = weights.get("embeddings", shape);
  std::vector<float> numbers(static_cast<size_t>(table.size()));
  std::memcpy(numbers.data(), table.data, numbers.size() * sizeof(float));
  return numbers;
}

const std::string kRows = bytes_of<float>({1, 2, 10, 20});
constexpr const char* kRowsHeader = R"({"embeddings":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";

TEST(StaticTable, SharedAndWeighedRowsAreMixedUp) {
  const std::string mapping = R"(,"mapping":{"dtype":"I64","shape":[3],"data_offsets":[16,40]})";
  const std::string rows = kRows + bytes_of<int64_t>({1, 0, 1});
  EXPECT_EQ(table_of(open_table(kRowsHeader + mapping + "}", rows), {3, 2}),
            (std::vector<float>{10, 20, 1, 2, 10, 20}));
  const std::string weights = R"(,"weights":{"dtype":"F64","shape":[3],"data_offsets":[40,64]})";
  EXPECT_EQ(table_of(open_table(kRowsHeader + mapping + weights + "}", rows + bytes_of<double>({1, 0.5, 2})), {3, 2}),
            (std::vector<float>{10, 20, 0.5, 1, 20, 40}));
  const std::string alone = R"(,"weights":{"dtype":"F32","shape":[2],"data_offsets":[16,24]})";
  EXPECT_EQ(table_of(open_table(kRowsHeader + alone + "}", kRows + bytes_of<float>({3, 0.5})), {2, 2}),
            (std::vector<float>{3, 6, 5, 10}));
  EXPECT_EQ(table_of(open_table(R"({"embeddings":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]}})",
                                bytes_of<int8_t>({-128, 127, 0, 5})),
                     {2, 2}),
            (std::vector<float>{-128, 127, 0, 5}));
}

TEST(StaticTable, PartsThatContradictEachOtherAreFolded) {
  const auto refused = [](Code code, const std::string& header, const std::string& data, const std::string& text) {
    expect_error(code, {"model.safetensors: tensor", text},
                 [&] { open_table(kRowsHeader + header + "}", kRows + data); });
  };
  const std::string mapping = R"(,"mapping":{"dtype":"I64","shape":[2],"data_offsets":[16,32]})";
  refused(Code::kFormat, mapping, bytes_of<int64_t>({0, 2}), "mapping gives token 1 row 2, expected 0 to 1");
  refused(Code::kFormat, mapping, bytes_of<int64_t>({-1, 0}), "mapping gives token 0 row -1, expected 0 to 1");
  refused(Code::kFormat, R"(,"mapping":{"dtype":"I32","shape":[2,1],"data_offsets":[16,24]})",
          bytes_of<int32_t>({0, 1}), "mapping has shape [2, 1]");
  refused(Code::kUnsupported, R"(,"mapping":{"dtype":"F32","shape":[2],"data_offsets":[16,24]})",
          bytes_of<float>({0, 1}), "mapping holds floats, expected I64 or I32");
  refused(Code::kFormat, R"(,"weights":{"dtype":"F32","shape":[3],"data_offsets":[16,28]})", bytes_of<float>({1, 1, 1}),
          "weights has shape [3], expected [2]");
  refused(Code::kUnsupported, R"(,"weights":{"dtype":"I16","shape":[2],"data_offsets":[16,20]})",
          bytes_of<int16_t>({1, 1}), "weights has dtype I16");
}

TEST(StaticTable, ModuleStandsWhereNoneCan) {
  const std::string pooled = R"([{"path":"","type":"sentence_transformers.models.StaticEmbedding"},
      {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}])";
  expect_error(Code::kUnsupported, {"modules.json", "module Pooling stands at place 1"}, [&] {
    read_table({{"modules.json", pooled}, {"model.safetensors", safetensors(kTable, std::string(30, 0))}});
  });
}

}  // namespace
}  // namespace emberline
