// SPDX-License-Identifier: Apache-2.0
#include "model/merged_weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "model/expect_error.h"
#include "model/safetensors_file.h"
#include "model/task_adapters.h"

namespace emberline {
namespace {

// A safetensors file of f32 tensors. What is not given counts up from 1.
class TensorFile {
 public:
  TensorFile& add(const std::string& name, const std::vector<int64_t>& shape, std::vector<float> numbers = {}) {
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    for (size_t i = numbers.size(); i < count; ++i) numbers.push_back(static_cast<float>(i + 1));
    header_[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {data_.size(), data_.size() + 4 * count}}};
    data_.append(reinterpret_cast<const char*>(numbers.data()), 4 * count);
    return *this;
  }
  std::string bytes() const { return safetensors(header_.dump(), data_); }

 private:
  nlohmann::ordered_json header_;
  std::string data_;
};

std::vector<float> numbers_of(const Weights& weights, const std::string& name, const std::vector<int64_t>& shape) {
  const TensorView& tensor = weights.get(name, shape);
  std::vector<float> numbers(static_cast<size_t>(tensor.size()));
  std::memcpy(numbers.data(), tensor.data, 4 * numbers.size());
  return numbers;
}

constexpr const char* kSettings = R"({"lora_adaptations": ["first", "second"], "lora_rank": 1, "lora_alpha": 2})";

// All tasks in one tensor.
class StackedTest : public ::testing::Test {
 protected:
  // A linear layer [2, 3] and the table of words [4, 2].
  static TensorFile stacked() {
    TensorFile file;
    file.add("net.dense.parametrizations.weight.original", {2, 3});
    file.add("net.dense.parametrizations.weight.0.lora_A", {2, 1, 3}, {0, 0, 0, 1, 10, 100});
    file.add("net.dense.parametrizations.weight.0.lora_B", {2, 2, 1}, {0, 0, 1, -1});
    file.add("net.words.parametrizations.weight.original", {4, 2});
    file.add("net.words.parametrizations.weight.0.lora_A", {2, 4, 1}, {0, 0, 0, 0, 0, 1, 0, 2});
    file.add("net.words.parametrizations.weight.0.lora_B", {2, 1, 2}, {0, 0, 1, 10});
    return file;
  }

  Weights open(const TensorFile& file, const std::string& task, const std::string& settings = kSettings) const {
    directory_.write("model.safetensors", file.bytes());
    ModelConfig config;
    config.directory = directory_.path();
    config.network_directory = directory_.path();
    config.network.tensors = {.prefix = "net.", .words = "words", .positions = nullptr, .types = nullptr};
    read_task_adapters(JsonValue::parse(settings, "config.json"), config);
    if (!task.empty()) choose_task(config, task);
    return open_merged_weights(config, 2);
  }

  void refused(const TensorFile& file, const std::vector<std::string>& parts,
               const std::string& settings = kSettings) const {
    expect_error(Code::kFormat, parts, [&] { open(file, "second", settings); });
  }

  TemporaryDirectory directory_;
};

TEST_F(StackedTest, ProductIsAddedInAnotherOrder) {
  const Weights weights = open(stacked(), "second");
  EXPECT_EQ(numbers_of(weights, "net.dense.weight", {2, 3}), (std::vector<float>{3, 22, 203, 2, -15, -194}));
  EXPECT_EQ(numbers_of(weights, "net.words.weight", {4, 2}), (std::vector<float>{1, 2, 5, 24, 5, 6, 11, 48}));
  EXPECT_EQ(weights.tensors().size(), 2U);
}

TEST_F(StackedTest, PlainWeightsAreNotWhatTheFileHas) {
  for (const char* task : {"", "first"}) {
    const Weights weights = open(stacked(), task);
    EXPECT_EQ(numbers_of(weights, "net.dense.weight", {2, 3}), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(weights.tensors().size(), 2U);
    EXPECT_EQ(weights.total_bytes(), 4 * (6 + 8));
  }
}

TEST_F(StackedTest, RankThatTensorsContradictIsBelieved) {
  const char* rank = R"({"lora_adaptations": ["first", "second"], "lora_rank": 3, "lora_alpha": 2})";
  refused(stacked(),
          {"model.safetensors: tensor net.dense.parametrizations.weight.0.lora_A has shape [2, 1, 3], "
           "expected [2, 3, 3]",
           "lora_rank 3", "has shape [2, 3]"},
          rank);
  const char* three = R"({"lora_adaptations": ["a", "second", "c"], "lora_rank": 1, "lora_alpha": 2})";
  refused(stacked(), {"lora_A has shape [2, 1, 3], expected [3, 1, 3]", "lists 3 tasks"}, three);
}

TEST_F(StackedTest, HalfOfAnAdapterIsTaken) {
  for (const char* half : {"A", "B"}) {
    TensorFile file;
    file.add("net.dense.parametrizations.weight.original", {2, 3});
    const bool is_a = std::string(half) == "A";
    const std::string name = "net.dense.parametrizations.weight.0.lora_";
    file.add(name + half, is_a ? std::vector<int64_t>{2, 1, 3} : std::vector<int64_t>{2, 2, 1});
    refused(file, {"model.safetensors: tensor " + name +
                   (is_a ? "B is missing, expected shape [2, 2, 1]" : "A is missing, expected shape [2, 1, 3]")});
  }
}

TEST_F(StackedTest, AdapterOfNothingIsTaken) {
  refused(TensorFile().add("net.dense.parametrizations.weight.0.lora_A", {2, 1, 3}),
          {"tensor net.dense.parametrizations.weight.original is missing"});
  refused(TensorFile().add("net.dense.weight", {2, 3}), {"holds no tensor *.parametrizations.weight.0.lora_A"});
}

// A folder for each task.
class FolderTest : public ::testing::Test {
 protected:
  static TensorFile adapter() {
    TensorFile file;
    file.add("base_model.model.layers.0.k.lora_A.weight", {2, 2}, {1, 0, 0, 1});
    file.add("base_model.model.layers.0.k.lora_B.weight", {1, 2}, {1, 10});
    return file;
  }

  Weights open(const TensorFile& adapter, const std::string& changes = "{}") const {
    TensorFile file;
    file.add("words.weight", {4, 2});
    file.add("blocks.0.qkv.weight", {3, 2}, {1, 1, 2, 2, 3, 3});
    file.add("blocks.0.out.weight", {2, 1});
    directory_.write("model.safetensors", file.bytes());
    auto settings = nlohmann::json::parse(R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "use_dora": false})");
    settings.update(nlohmann::json::parse(changes));
    directory_.write("a_task/adapter_config.json", settings.dump());
    directory_.write("a_task/adapter_model.safetensors", adapter.bytes());
    ModelConfig config;
    config.directory = directory_.path();
    config.network_directory = directory_.path();
    static constexpr TensorLayout kClassNames = {
        .layer = "layers.{layer}.", .query = "q", .key = "k", .value = "v", .attention_output = "o"};
    config.network.num_hidden_layers = 1;
    config.network.hidden_size = 1;
    config.network.num_attention_heads = 1;
    config.network.class_names = &kClassNames;
    config.network.tensors = {.prefix = "net.",
                              .words = "words",
                              .layer = "blocks.{layer}.",
                              .query_key_value = "qkv",
                              .attention_output = "out"};
    read_task_adapters(JsonValue::parse("{}", "config.json"), config);
    choose_task(config, "a-task");
    return open_merged_weights(config, 1);
  }

  void refused(Code code, const TensorFile& adapter, const std::vector<std::string>& parts,
               const std::string& changes = "{}") const {
    expect_error(code, parts, [&] { open(adapter, changes); });
  }

  TemporaryDirectory directory_;
};

TEST_F(FolderTest, KeysAdapterChangesQueriesOrValues) {
  const Weights weights = open(adapter());
  EXPECT_EQ(numbers_of(weights, "blocks.0.qkv.weight", {3, 2}), (std::vector<float>{1, 1, 4, 22, 3, 3}));
  EXPECT_EQ(numbers_of(weights, "blocks.0.out.weight", {2, 1}), (std::vector<float>{1, 2}));
}

TEST_F(FolderTest, TableIsAdaptedByItsTranspose) {
  TensorFile file;
  file.add("base_model.model.words.lora_embedding_A", {2, 4}, {0, 1, 0, 2, 0, 0, 0, 1});
  file.add("base_model.model.words.lora_embedding_B", {2, 2}, {1, 0, 0, 100});
  EXPECT_EQ(numbers_of(open(file), "words.weight", {4, 2}), (std::vector<float>{1, 2, 5, 4, 5, 6, 11, 208}));
}

TEST_F(FolderTest, ModuleThatTheNetworkLacksIsPassedOver) {
  TensorFile file = adapter();
  file.add("base_model.model.layers.1.k.lora_A.weight", {2, 2})
      .add("base_model.model.layers.1.k.lora_B.weight", {1, 2});
  refused(Code::kFormat, file,
          {"adapter_model.safetensors: tensor base_model.model.layers.1.k.lora_A.weight belongs to module "
           "base_model.model.layers.1.k, which the network in"});
}

TEST_F(FolderTest, RankThatTensorsContradictIsBelieved) {
  refused(Code::kFormat, adapter(),
          {"adapter_model.safetensors: tensor base_model.model.layers.0.k.lora_A.weight has shape [2, 2], expected "
           "[3, 2]",
           "adapter_config.json has r 3", "blocks.0.qkv.weight has shape [1, 2]"},
          R"({"r": 3})");
}

TEST_F(FolderTest, HalfOfAnAdapterIsTaken) {
  refused(Code::kFormat, TensorFile().add("base_model.model.layers.0.k.lora_A.weight", {2, 2}),
          {"tensor base_model.model.layers.0.k.lora_B.weight is missing, expected shape [1, 2]"});
  refused(Code::kFormat, TensorFile().add("base_model.model.layers.0.o.lora_B.weight", {2, 2}),
          {"tensor base_model.model.layers.0.o.lora_A.weight is missing, expected shape [2, 1]"});
}

TEST_F(FolderTest, OtherKindsOfAdaptersAreTaken) {
  refused(Code::kUnsupported, adapter(), {"adapter_config.json: peft_type: got \"IA3\""}, R"({"peft_type": "IA3"})");
  refused(Code::kUnsupported, adapter(), {"adapter_config.json: use_dora: got true"}, R"({"use_dora": true})");
  refused(Code::kUnsupported, adapter(), {"adapter_config.json: rank_pattern"}, R"({"rank_pattern": {"k": 3}})");
  refused(Code::kUnsupported, adapter(), {"adapter_config.json: bias: got \"all\""}, R"({"bias": "all"})");
  refused(Code::kFormat, adapter(), {"adapter_config.json: r: got 0"}, R"({"r": 0})");
  TensorFile file = adapter();
  file.add("base_model.model.layers.0.k.lora_magnitude_vector", {1});
  refused(Code::kUnsupported, file, {"tensor base_model.model.layers.0.k.lora_magnitude_vector is no half"});
}

TEST(TaskAdapters, ListThatContradictsItselfIsRead) {
  const auto refused = [](const std::string& settings, const std::string& text) {
    ModelConfig config;
    expect_error(Code::kFormat, {"config.json", text},
                 [&] { read_task_adapters(JsonValue::parse(settings, "config.json"), config); });
  };
  refused(R"({"lora_adaptations": [], "lora_rank": 1, "lora_alpha": 1})", "expected at least one task");
  refused(R"({"lora_adaptations": ["a", "a"], "lora_rank": 1, "lora_alpha": 1})", "a name that no other task has");
  refused(R"({"lora_adaptations": ["a"], "lora_alpha": 1})", "lora_rank");
  refused(R"({"lora_adaptations": ["a"], "lora_rank": 1})", "lora_alpha");
}

TEST(TaskAdapters, InstructionReplacesThePromptOfSentenceTransformers) {
  ModelConfig config;
  config.prompts = {{"a", "its own: "}};
  const char* settings = R"({"lora_adaptations": ["a", "b"], "lora_rank": 1, "lora_alpha": 1,
                             "task_instructions": {"a": "instruction a: ", "b": "instruction b: "}})";
  read_task_adapters(JsonValue::parse(settings, "config.json"), config);
  EXPECT_EQ(config.prompts.at("a"), "its own: ");
  choose_task(config, "b");
  EXPECT_EQ(config.prompts.at(*config.default_prompt_name), "instruction b: ");
}

}  // namespace
}  // namespace emberline
