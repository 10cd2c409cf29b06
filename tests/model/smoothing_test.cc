// SPDX-License-Identifier: Apache-2.0
#include "model/smoothing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "model/golden.h"
#include "model/naive_backend.h"

namespace emberline {
namespace {

class SmoothingTest : public testing::Test {
 protected:
  std::vector<float> forward(const Encoder& encoder, NormObserver* observer = nullptr) {
    const std::unique_ptr<Stream> stream = backend_->make_stream(1);
    const MatrixView out =
        encoder.forward(*stream, batch_, {.layers = {config_.network.num_hidden_layers}}, scratch_, observer);
    return {out.data, out.data + out.rows * out.row_stride};
  }

  Golden golden_ = read_golden("tiny-bert");
  Batch batch_ = make_batch({golden_.ids.at(3), golden_.ids.at(0)});
  std::unique_ptr<Backend> backend_ = make_naive_backend();
  ModelConfig config_ = read_model_config(model_path("tiny-bert"));
  Weights weights_ = Weights::open(model_path("tiny-bert"));
  EncoderScratch scratch_;
};

TEST_F(SmoothingTest, FactorsChangeTheResult) {
  const Encoder plain(config_.network, weights_, *backend_);
  ColumnMaxima maxima(config_.network);
  const std::vector<float> expected = forward(plain, &maxima);
  const auto factors = smoothing_factors(config_.network, weights_, maxima);
  const std::vector<float> actual = forward(Encoder(config_.network, weights_, *backend_, 1, factors));
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 2e-6) << i;
}

TEST_F(SmoothingTest, FactorIsMissingOrRounds) {
  const Encoder plain(config_.network, weights_, *backend_);
  ColumnMaxima maxima(config_.network);
  forward(plain, &maxima);
  const auto factors = smoothing_factors(config_.network, weights_, maxima);
  ASSERT_EQ(static_cast<int64_t>(factors.size()), 2 * config_.network.num_hidden_layers);
  std::set<float> different;
  for (const std::vector<float>& of_norm : factors) {
    ASSERT_EQ(static_cast<int64_t>(of_norm.size()), config_.network.hidden_size);
    for (const float factor : of_norm) {
      int exponent = 0;
      EXPECT_EQ(std::frexp(factor, &exponent), 0.5F) << factor << " is no power of two";
      different.insert(factor);
    }
  }
  EXPECT_GT(different.size(), 1U);
}

TEST_F(SmoothingTest, ColumnThatIsNeverUsedGetsAnInfiniteFactor) {
  const ColumnMaxima nothing_seen(config_.network);
  for (const std::vector<float>& of_norm : smoothing_factors(config_.network, weights_, nothing_seen)) {
    for (const float factor : of_norm) EXPECT_EQ(factor, 1.0F);
  }
}

TEST_F(SmoothingTest, NormIsSeenUnderAnothersNumber) {
  ColumnMaxima maxima(config_.network);
  forward(Encoder(config_.network, weights_, *backend_), &maxima);
  ASSERT_EQ(static_cast<int64_t>(maxima.values().size()), 2 * config_.network.num_hidden_layers + 1);
  // The last norm's output is the last hidden state.
  const std::vector<float> last = forward(Encoder(config_.network, weights_, *backend_));
  const auto hidden = static_cast<size_t>(config_.network.hidden_size);
  for (size_t c = 0; c < hidden; ++c) {
    float largest = 0;
    for (size_t i = c; i < last.size(); i += hidden) largest = std::max(largest, std::fabs(last[i]));
    EXPECT_EQ(maxima.values().back()[c], largest) << c;
  }
}

TEST_F(SmoothingTest, LayersThatShareWeightsGetFactorsOfTheirOwn) {
  const Golden golden = read_golden("tiny-albert");
  const ModelConfig config = read_model_config(model_path("tiny-albert"));
  const Weights weights = Weights::open(config.network_directory);
  batch_ = make_batch({golden.ids.at(3), golden.ids.at(0)});
  config_ = config;
  ColumnMaxima maxima(config.network);
  const std::vector<float> expected = forward(Encoder(config.network, weights, *backend_), &maxima);
  const auto factors = smoothing_factors(config.network, weights, maxima);
  EXPECT_EQ(factors[0], factors[2]);
  EXPECT_EQ(factors[1], factors[5]);
  EXPECT_NE(factors[0], factors[6]);
  const std::vector<float> actual = forward(Encoder(config.network, weights, *backend_, 1, factors));
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5) << i;
}

}  // namespace
}  // namespace emberline
