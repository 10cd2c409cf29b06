// SPDX-License-Identifier: Apache-2.0
// The whole network against what the reference computed, for every model layout.
#include "model/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/head.h"
#include "model/merged_weights.h"
#include "model/naive_backend.h"

namespace emberline {
namespace {

constexpr float kHiddenBound = 2e-5F;  // of the row's largest value
constexpr float kVectorBound = 1e-5F;  // absolute where vectors have length 1, else of the largest value

struct Case {
  std::string model;
  std::string backend;  // "naive", or an ISA of the CPU backend
};

std::unique_ptr<Backend> make_backend(const std::string& name) {
  return name == "naive" ? make_naive_backend() : make_cpu_backend(name, DType::kF32);
}

class GoldenTest : public testing::TestWithParam<Case> {
 protected:
  // Skipped where the machine lacks the model or the instruction set.
  void SetUp() override {
    if (!std::filesystem::exists(model_path(GetParam().model))) GTEST_SKIP() << "no " << model_path(GetParam().model);
    try {
      backend_ = make_backend(GetParam().backend);
    } catch (const Error& error) {
      if (error.code() != Code::kUnsupported) throw;
      GTEST_SKIP() << error.what();
    }
    golden_.emplace(read_golden(GetParam().model));
    config_ = read_model_config(model_path(GetParam().model));
    stream_ = backend_->make_stream(1);
    encoder_.emplace(config_.network, open_merged_weights(config_, 1), *backend_);
    head_.emplace(config_, *backend_);
  }

  HeadPlan plan() const {
    HeadPlan plan;
    plan.pooling = config_.pooling;
    plan.prompt_tokens = golden_->prompt_tokens;
    return plan;
  }

  // Double-precision loops over a real network take seconds a row, so those get a few.
  std::vector<std::vector<int32_t>> rows() const {
    std::vector<std::vector<int32_t>> all = golden_->ids;
    if (!GetParam().model.starts_with("tiny-") && GetParam().backend == "naive") all.resize(2);
    return all;
  }

  MatrixView finish(const Batch& batch) {
    const LayerSelection last = {.layers = {config_.network.num_hidden_layers}};
    return head_->finish(*stream_, encoder_->forward(*stream_, batch, last, scratch_), batch, plan(), scratch_);
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Stream> stream_;
  std::optional<Golden> golden_;
  ModelConfig config_;
  std::optional<Encoder> encoder_;
  std::optional<Head> head_;
  EncoderScratch scratch_;
};

// Largest difference of two equally long rows, as a share of the expected row's largest value where `relative`.
float difference(const float* actual, const float* expected, int64_t count, bool relative) {
  float worst = 0;
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float apart = std::abs(actual[i] - expected[i]);
    if (!(apart <= worst)) worst = apart;  // keeps NaN
    largest = std::max(largest, std::abs(expected[i]));
  }
  return relative ? worst / largest : worst;
}

TEST_P(GoldenTest, EveryHiddenLayerIsTheReferences) {
  const int64_t hidden = config_.network.hidden_size;
  for (const int64_t row : golden_->layer_rows) {
    const Batch batch = make_batch({golden_->ids.at(static_cast<size_t>(row))});
    for (int64_t layer = 0; layer <= config_.network.num_hidden_layers; ++layer) {
      const MatrixView states = encoder_->forward(*stream_, batch, {.layers = {layer}}, scratch_);
      const std::vector<float> expected = golden_->hidden(row, layer);
      ASSERT_EQ(states.rows * states.cols, static_cast<int64_t>(expected.size()));
      for (int64_t t = 0; t < states.rows; ++t) {
        EXPECT_LE(difference(states.data + t * states.row_stride, expected.data() + t * hidden, hidden, true),
                  kHiddenBound)
            << "row " << row << ", layer " << layer << ", token " << t;
      }
    }
  }
}

TEST_P(GoldenTest, FinishedVectorsOfOneBatchAreTheReferences) {
  const MatrixView vectors = finish(make_batch(rows()));
  ASSERT_EQ(vectors.rows, static_cast<int64_t>(rows().size()));
  for (int64_t row = 0; row < vectors.rows; ++row) {
    const std::vector<float> expected = golden_->vector(row);
    ASSERT_EQ(vectors.cols, static_cast<int64_t>(expected.size()));
    EXPECT_LE(
        difference(vectors.data + row * vectors.row_stride, expected.data(), vectors.cols, !head_->normalizes(plan())),
        kVectorBound)
        << "row " << row;
  }
}

TEST_P(GoldenTest, VectorsOfABatchAreBitEqualToThoseOfRowsAlone) {
  const MatrixView together = finish(make_batch(rows()));
  std::vector<float> expected;
  for (int64_t row = 0; row < together.rows; ++row) {
    expected.insert(expected.end(), together.data + row * together.row_stride,
                    together.data + row * together.row_stride + together.cols);
  }
  const int64_t dim = together.cols;
  for (size_t row = 0; row < rows().size(); ++row) {
    const MatrixView alone = finish(make_batch({rows()[row]}));
    EXPECT_EQ(std::memcmp(alone.data, expected.data() + row * static_cast<size_t>(dim), static_cast<size_t>(dim) * 4),
              0)
        << "row " << row;
  }
}

TEST_P(GoldenTest, TokenLimitIsTheReferences) {
  EXPECT_EQ(config_.max_tokens, golden_->max_tokens);
}

std::vector<Case> cases(const std::string& backend, const std::vector<std::string>& models) {
  std::vector<Case> all;
  for (const std::string& model : models) all.push_back({model, backend});
  return all;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.model;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

std::vector<std::string> real_models() {
  return {"all-MiniLM-L6-v2", "bge-small-en-v1.5", "bge-small-zh-v1.5", "e5-small-v2"};
}

// Every layout on every instruction set; real networks on the one this machine would take, and one without any kernels.
INSTANTIATE_TEST_SUITE_P(Naive, GoldenTest, testing::ValuesIn(cases("naive", tiny_models())), case_name);
INSTANTIATE_TEST_SUITE_P(Portable, GoldenTest, testing::ValuesIn(cases("portable", tiny_models())), case_name);
INSTANTIATE_TEST_SUITE_P(Avx2, GoldenTest, testing::ValuesIn(cases("avx2", tiny_models())), case_name);
INSTANTIATE_TEST_SUITE_P(Avx512, GoldenTest, testing::ValuesIn(cases("avx512", tiny_models())), case_name);
INSTANTIATE_TEST_SUITE_P(RealNaive, GoldenTest, testing::ValuesIn(cases("naive", {real_models().front()})), case_name);
INSTANTIATE_TEST_SUITE_P(Real, GoldenTest, testing::ValuesIn(cases("auto", real_models())), case_name);

}  // namespace
}  // namespace emberline
