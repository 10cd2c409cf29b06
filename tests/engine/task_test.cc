// SPDX-License-Identifier: Apache-2.0
// Adapters for single tasks, from text to vector: both layouts against the reference's numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/temporary_directory.h"
#include "column.h"
#include "info_of.h"
#include "model/weights.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using testing::data_path;
using testing::embed;
using testing::info_of;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

constexpr const char* kStacked = "tiny-jina-v3-stacked";
constexpr const char* kFolders = "tiny-jina-v3-folders";

Engine load_for_task(const std::string& model, const std::string& task, const char* dtype = "f32") {
  return Engine::load(data_path(model), options_of({{"dtype", dtype}, {"task", task.c_str()}}));
}

std::string task_complaint(const std::string& model, const std::string& task) {
  try {
    load_for_task(model, task);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << task << " was accepted";
  return "";
}

// What tools/make_golden.py wrote: rows, the prompt of each task, and vectors [rows, dim] of each.
struct TaskGolden {
  explicit TaskGolden(const std::string& model)
      : record(nlohmann::json::parse(read_text_file(path(model) + ".json"))),
        vectors(Weights::open_file(path(model) + ".safetensors")) {
    for (const auto& row : record["rows"]) texts.push_back(row.get<std::string>());
  }
  static std::string path(const std::string& model) { return EMB_SOURCE_DIR "/tests/golden/tasks/" + model; }

  nlohmann::json record;
  Weights vectors;
  Texts texts;
};

double cosine(const float* a, const float* b, int64_t count) {
  double product = 0, a_squares = 0, b_squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    product += double{a[i]} * double{b[i]};
    a_squares += double{a[i]} * double{a[i]};
    b_squares += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(a_squares * b_squares);
}

class TaskTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TaskTest, VectorsOfATaskAreNotTheReferences) {
  const TaskGolden golden(GetParam());
  ASSERT_EQ(golden.record["prompts"].size(), 2U);
  for (const auto& [task, prompt] : golden.record["prompts"].items()) {
    const TensorView& all = golden.vectors.get(task, {static_cast<int64_t>(golden.texts.size()), 32});
    const auto* expected = reinterpret_cast<const float*>(all.data);
    const Engine exact = load_for_task(GetParam(), task);
    EXPECT_EQ(info_of(exact)["prompt"], prompt);
    const Result result = embed(exact, golden.texts);
    for (size_t i = 0; i < result.data.size(); ++i) {
      ASSERT_NEAR(result.data[i], expected[i], 1e-5F) << task << ", number " << i;
    }
    const Result low = embed(load_for_task(GetParam(), task, "bf16"), golden.texts);
    for (int64_t row = 0; row < all.shape[0]; ++row) {
      EXPECT_GT(cosine(low.data.data() + row * 32, expected + row * 32, 32), 0.999) << task << ", row " << row;
    }
  }
}

TEST_P(TaskTest, WithoutATaskAnAdapterIsTaken) {
  const Engine plain = Engine::load(data_path(GetParam()), options_of({{"dtype", "f32"}}));
  EXPECT_TRUE(info_of(plain)["task"].is_null());
  EXPECT_EQ(info_of(plain)["tasks"].size(), 2U);
  const Texts texts = mixed_texts(10);
  const Engine adapted = load_for_task(GetParam(), info_of(plain)["tasks"][1].get<std::string>());
  EXPECT_FALSE(same_bits(embed(plain, texts).data, embed(adapted, texts).data));
}

TEST_P(TaskTest, PackedWeightsOfOneTaskServeAnother) {
  const TemporaryDirectory cache;
  const Texts texts = mixed_texts(10);
  std::vector<std::string> tasks = info_of(load_for_task(GetParam(), ""))["tasks"];
  tasks.emplace_back();
  for (const char* dtype : {"f32", "int8"}) {
    for (int round = 0; round < 2; ++round) {
      for (const std::string& task : tasks) {
        Options options = options_of({{"dtype", dtype}, {"task", task.c_str()}});
        options.cache_dir = "";
        const auto expected = embed(Engine::load(data_path(GetParam()), options), texts);
        options.cache_dir = cache.path().string();
        EXPECT_TRUE(same_bits(embed(Engine::load(data_path(GetParam()), options), texts).data, expected.data)) << task;
      }
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(cache.path()), {}), 6);
}

INSTANTIATE_TEST_SUITE_P(Layouts, TaskTest, ::testing::Values(kStacked, kFolders),
                         [](const auto& test) { return std::string(test.param == kStacked ? "Stacked" : "Folders"); });

TEST(Task, UnknownTaskIsNotToldTheKnownOnes) {
  EXPECT_NE(task_complaint(kStacked, "retrieval")
                .find("got \"retrieval\", expected one of this model's tasks: "
                      "retrieval.query, text-matching"),
            std::string::npos);
  EXPECT_NE(task_complaint(kFolders, "text-matching").find("retrieval_query, separation"), std::string::npos);
  EXPECT_NE(task_complaint("tiny-mean", "separation").find("tiny-mean has no adapters for tasks; leave task out"),
            std::string::npos);
}

TEST(Task, NameOfTheOtherLayoutIsRefused) {
  EXPECT_EQ(info_of(load_for_task(kFolders, "retrieval.query"))["task"], "retrieval_query");
  EXPECT_EQ(info_of(load_for_task(kStacked, "text_matching"))["task"], "text-matching");
}

TEST(Task, PromptThatTheUserGaveLosesToTheTasks) {
  const Engine given =
      Engine::load(data_path(kStacked), options_of({{"task", "retrieval.query"}, {"prompt", "mine: "}}));
  EXPECT_EQ(info_of(given)["prompt"], "mine: ");
  const Engine named =
      Engine::load(data_path(kStacked), options_of({{"task", "retrieval.query"}, {"prompt_name", "document"}}));
  EXPECT_EQ(info_of(named)["prompt"], "");
}

TEST(Task, HandleOverTheSameWeightsClaimsAnotherTask) {
  const Engine engine = load_for_task(kStacked, "text-matching");
  EXPECT_NO_THROW(engine.derive(options_of({{"task", "text_matching"}, {"dims", "8"}})));
  EXPECT_NO_THROW(engine.derive(options_of({{"dims", "8"}})));
  EXPECT_THROW(engine.derive(options_of({{"task", "retrieval.query"}})), Error);
  EXPECT_THROW(load_for_task(kStacked, "").derive(options_of({{"task", "retrieval.query"}})), Error);
}

}  // namespace
}  // namespace emberline
