// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/backend_fixture.h"
#include "backend/cpu/routes.h"
#include "backend/devices.h"

namespace emberline {
namespace {

constexpr int64_t kHidden = 48;
constexpr int64_t kFfn = 40;
constexpr int64_t kExperts = 5;

class RoutedFeedForwardTest : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (backend_ == nullptr) return;
    experts_.num_chosen = 2;
    experts_.router = backend_->make_dense({HostTensor::of("router", router_).view, std::nullopt});
    experts_.bias = backend_->upload(HostTensor::of("bias", bias_).view);
    for (int64_t e = 0; e < kExperts; ++e) {
      up_.push_back(Matrix::random(kFfn, kHidden, static_cast<uint32_t>(10 + e), 0.15F));
      down_.push_back(Matrix::random(kHidden, kFfn, static_cast<uint32_t>(20 + e), 0.08F));
      experts_.up.push_back(linear(up_.back()));
      experts_.down.push_back(linear(down_.back()));
    }
  }

  std::unique_ptr<Linear> linear(const Matrix& weight) const {
    const HostTensor tensor = HostTensor::of("weight", weight);
    const LinearPart part = {tensor.view, std::nullopt};
    return backend_->make_linear({&part, 1}, {});
  }

  Matrix run(Matrix& x, int64_t num_threads = 1) const {
    const auto stream = backend_->make_stream(num_threads);
    Matrix out(x.rows(), kHidden);
    stream->routed_feed_forward(x.view(), nullptr, experts_, Activation::kRelu, out.view());
    EXPECT_TRUE(out.walls_stand());
    return out;
  }

  double naive(const Matrix& x, int64_t row, int64_t col) const {
    std::vector<std::pair<double, size_t>> scores;
    double total = 0;
    for (int64_t e = 0; e < kExperts; ++e) {
      double score = 0;
      for (int64_t k = 0; k < kHidden; ++k) score += double{x.at(row, k)} * double{router_.at(e, k)};
      scores.emplace_back(std::exp(score), static_cast<size_t>(e));
      total += scores.back().first;
    }
    std::sort(scores.rbegin(), scores.rend());
    double sum = double{bias_.at(0, col)};
    for (size_t i = 0; i < 2; ++i) {
      const auto& [weight, e] = scores[i];
      for (int64_t f = 0; f < kFfn; ++f) {
        double inner = 0;
        for (int64_t k = 0; k < kHidden; ++k) inner += double{x.at(row, k)} * double{up_[e].at(f, k)};
        sum += weight / total * std::max(inner, 0.0) * double{down_[e].at(col, f)};
      }
    }
    return sum;
  }

  const Matrix router_ = Matrix::random(kExperts, kHidden, 1, 0.3F);
  const Matrix bias_ = Matrix::random(1, kHidden, 2);
  std::vector<Matrix> up_;
  std::vector<Matrix> down_;
  Experts experts_;
};

TEST_P(RoutedFeedForwardTest, RowGoesToAnotherExpertOrWeighsOtherwise) {
  Matrix x = Matrix::random(33, kHidden, 3);
  const Matrix out = run(x);
  for (int64_t r = 0; r < x.rows(); ++r) {
    for (int64_t c = 0; c < kHidden; ++c) {
      ASSERT_NEAR(out.at(r, c), naive(x, r, c), feed_forward_bound()) << "row " << r;
    }
  }
}

TEST_P(RoutedFeedForwardTest, RowChangesWithItsNeighboursOrThreads) {
  Matrix x = Matrix::random(37, kHidden, 4);
  const Matrix together = run(x);
  const Matrix shared = run(x, 3);
  for (int64_t r = 0; r < x.rows(); ++r) {
    Matrix one(1, kHidden);
    std::copy_n(x.row(r), kHidden, one.row(0));
    const Matrix alone = run(one);
    ASSERT_TRUE(same_bits(alone.row(0), together.row(r), kHidden)) << r;
    ASSERT_TRUE(same_bits(shared.row(r), together.row(r), kHidden)) << r;
  }
}

TEST_P(RoutedFeedForwardTest, NanReachesAnotherRow) {
  Matrix x = Matrix::random(6, kHidden, 5);
  const Matrix expected = run(x);
  x.at(2, 7) = kNan;
  const Matrix out = run(x);
  for (int64_t r = 0; r < x.rows(); ++r) {
    if (r == 2) {
      EXPECT_TRUE(std::isnan(out.at(r, 0)));
    } else {
      EXPECT_TRUE(same_bits(out.row(r), expected.row(r), kHidden)) << r;
    }
  }
}

EMB_FOR_EVERY_DEVICE(RoutedFeedForwardTest);

TEST(Routes, EqualScoresOrHugeOnesChooseNoExpert) {
  Matrix scores(3, 3);
  scores.at(1, 1) = 1000;
  scores.at(1, 2) = -1000;
  scores.at(2, 0) = kNan;
  const auto routes = cpu::choose_experts(scores.view(), 2);
  ASSERT_EQ(routes[0].size(), 3U);
  ASSERT_EQ(routes[1].size(), 3U);
  EXPECT_TRUE(routes[2].empty());
  EXPECT_FLOAT_EQ(routes[0][0].weight, 1.0F / 3);
  EXPECT_EQ(routes[0][1].weight, 0);
  EXPECT_EQ(routes[1][1].weight, 1);
  EXPECT_TRUE(std::isnan(routes[0][2].weight));
}

}  // namespace
}  // namespace emberline
