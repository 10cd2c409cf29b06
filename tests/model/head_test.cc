// SPDX-License-Identifier: Apache-2.0
#include "model/head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/expect_error.h"
#include "model/golden.h"
#include "model/naive_backend.h"

namespace emberline {
namespace {

constexpr int64_t kHeadTokens = 4;

// A head over hidden states {1, 2, 3, ...} of one sequence of four tokens.
class HeadTest : public testing::Test {
 protected:
  void use(const std::string& model) {
    config_ = read_model_config(model_path(model));
    head_.emplace(config_, *backend_);
    plan_.pooling = config_.pooling;
    batch_ = make_batch({{1, 2, 3, 4}});
  }

  std::vector<float> finish(int64_t cols) {
    std::vector<float> hidden(static_cast<size_t>(kHeadTokens * cols));
    for (size_t i = 0; i < hidden.size(); ++i) hidden[i] = std::sin(static_cast<float>(i)) + 0.1F;
    const MatrixView states = {.data = hidden.data(), .rows = kHeadTokens, .cols = cols, .row_stride = cols};
    const MatrixView out = head_->finish(*stream_, states, batch_, plan_, scratch_);
    EXPECT_EQ(out.rows, 1);
    EXPECT_EQ(out.cols, head_->output_dim(plan_, cols));
    return {out.data, out.data + out.cols};
  }

  static float length(const std::vector<float>& vector) {
    float squares = 0;
    for (const float value : vector) squares += value * value;
    return std::sqrt(squares);
  }

  std::unique_ptr<Backend> backend_ = make_naive_backend();
  std::unique_ptr<Stream> stream_ = backend_->make_stream(1);
  EncoderScratch scratch_;
  ModelConfig config_;
  std::optional<Head> head_;
  HeadPlan plan_;
  Batch batch_;
};

TEST_F(HeadTest, ModelsOwnNormalizationIsInForceUnlessTurnedOff) {
  use("tiny-mean");
  EXPECT_TRUE(head_->normalizes(plan_));
  EXPECT_NEAR(length(finish(96)), 1, 1e-6);
  plan_.normalize = false;
  EXPECT_FALSE(head_->normalizes(plan_));
  EXPECT_GT(std::abs(length(finish(96)) - 1), 1e-3);
}

TEST_F(HeadTest, NormalizationIsAddedWhereTheModelHasNone) {
  use("tiny-max");
  EXPECT_FALSE(head_->normalizes(plan_));
  EXPECT_GT(length(finish(32)), 1.5F);
  plan_.normalize = true;
  EXPECT_TRUE(head_->normalizes(plan_));
  EXPECT_NEAR(length(finish(32)), 1, 1e-6);
}

TEST_F(HeadTest, LeadingDimensionsAreNormalizedAgainOnlyWhereNormalizationIsInForce) {
  use("tiny-mean");
  const std::vector<float> whole = finish(96);
  plan_.dims = 10;
  const std::vector<float> cut = finish(96);
  ASSERT_EQ(cut.size(), 10U);
  EXPECT_NEAR(length(cut), 1, 1e-6);
  EXPECT_NEAR(cut[3] / cut[7], whole[3] / whole[7], 1e-5);

  use("tiny-max");
  plan_.dims = 0;
  const std::vector<float> raw = finish(32);
  plan_.dims = 10;
  EXPECT_EQ(finish(32), std::vector<float>(raw.begin(), raw.begin() + 10));
}

TEST_F(HeadTest, MoreDimensionsThanThereAreAreRefused) {
  use("tiny-dense");
  plan_.dims = 20;
  EXPECT_EQ(head_->output_dim(plan_, 32), 20);
  plan_.dims = 21;
  expect_error(Code::kInvalidArgument, {"dims: got 21, expected 1 to 20"}, [&] { head_->output_dim(plan_, 32); });
  plan_.dims = -1;
  expect_error(Code::kInvalidArgument, {"dims: got -1"}, [&] { head_->output_dim(plan_, 32); });
}

TEST_F(HeadTest, DenseIsLeftOutWhenThePlanSaysSo) {
  use("tiny-dense");
  EXPECT_EQ(finish(32).size(), 20U);
  plan_.use_dense = false;
  EXPECT_EQ(head_->output_dim(plan_, 64), 64);
  EXPECT_NEAR(length(finish(64)), 1, 1e-6);  // its Normalize stays
}

TEST_F(HeadTest, DenseOfAnotherWidthIsRefused) {
  use("tiny-dense");
  expect_error(Code::kInvalidArgument, {"2_Dense", "got vectors of 64 dimensions, expected 32"}, [&] { finish(64); });
}

TEST_F(HeadTest, BatchWithoutSequencesGivesNoVectors) {
  use("tiny-dense");
  const MatrixView nothing = {.data = nullptr, .rows = 0, .cols = 32, .row_stride = 32};
  EXPECT_EQ(head_->finish(*stream_, nothing, make_batch({}), plan_, scratch_).rows, 0);
}

}  // namespace
}  // namespace emberline
