// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/backend_fixture.h"
#include "backend/devices.h"

namespace emberline {
namespace {

// Whole lines of an operand in bf16, and not.
constexpr int64_t kFeatures[] = {24, 32};

struct Window {
  int64_t size;
  int64_t before;
};

struct Span {
  int64_t begin;
  int64_t end;
};

class ConvolutionTest : public DeviceTest {
 protected:
  Matrix run(Matrix& x, const std::vector<int64_t>& offsets, const Window& window, int64_t num_threads = 1) {
    const HostTensor weight = HostTensor::of("weight", weights_of(window, x.cols()));
    const HostTensor bias = HostTensor("bias", {x.cols()}, {bias_.row(0), bias_.row(0) + x.cols()});
    const LinearPart part = {weight.view, bias.view};
    const auto linear = backend_->make_linear({&part, 1}, {});
    const auto stream = backend_->make_stream(num_threads);
    Matrix out(x.rows(), x.cols());
    stream->convolve(x.view(), offsets, window.before, *linear, Activation::kRelu, out.view());
    EXPECT_TRUE(out.walls_stand());
    return out;
  }

  static Matrix weights_of(const Window& window, int64_t features) {
    return Matrix::random(features, window.size * features, static_cast<uint32_t>(window.size), 0.08F);
  }

  // The row `row` of a sequence, compared with what loops give.
  ::testing::AssertionResult is_near(const Matrix& out, const Matrix& x, const Span& sequence, int64_t row,
                                     const Window& window) const {
    const int64_t features = x.cols();
    const Matrix weights = weights_of(window, features);
    for (int64_t c = 0; c < features; ++c) {
      double sum = double{bias_.at(0, c)};
      for (int64_t i = 0; i < window.size; ++i) {
        const int64_t at = row - window.before + i;
        if (at < sequence.begin || at >= sequence.end) continue;
        for (int64_t k = 0; k < features; ++k) sum += double{x.at(at, k)} * double{weights.at(c, i * features + k)};
      }
      const double expected = double{x.at(row, c)} + std::max(sum, 0.0);
      if (std::abs(out.at(row, c) - expected) <= feed_forward_bound()) continue;
      return ::testing::AssertionFailure()
             << "window of " << window.size << " from " << -window.before << ", row " << row << ", column " << c << ": "
             << out.at(row, c) << ", expected " << expected;
    }
    return ::testing::AssertionSuccess();
  }

  const Matrix bias_ = Matrix::random(1, 32, 7, 0.3F);
};

TEST_P(ConvolutionTest, NeighbourOfAnotherSequenceIsSeenOrOneIsMissed) {
  const std::vector<int64_t> offsets = {0, 1, 1, 4, 6, 23, 23};  // a lone token, none, fewer than a window, more
  for (const int64_t features : kFeatures) {
    Matrix x = Matrix::random(offsets.back(), features, 1);
    for (const Window window : {Window{2, 0}, Window{3, 1}, Window{5, 2}, Window{1, 0}, Window{4, 3}}) {
      const Matrix out = run(x, offsets, window);
      for (size_t s = 0; s + 1 < offsets.size(); ++s) {
        for (int64_t row = offsets[s]; row < offsets[s + 1]; ++row) {
          ASSERT_TRUE(is_near(out, x, {offsets[s], offsets[s + 1]}, row, window));
        }
      }
    }
  }
}

TEST_P(ConvolutionTest, RowChangesWithOtherSequencesOrThreads) {
  const std::vector<int64_t> offsets = {0, 3, 20, 20, 37};
  const Window window = {5, 2};
  for (const int64_t features : kFeatures) {
    Matrix x = Matrix::random(offsets.back(), features, 2);
    const Matrix together = run(x, offsets, window);
    const Matrix shared = run(x, offsets, window, 3);
    for (size_t s = 0; s + 1 < offsets.size(); ++s) {
      const int64_t length = offsets[s + 1] - offsets[s];
      if (length == 0) continue;
      Matrix one(length, features);
      for (int64_t r = 0; r < length; ++r) std::copy_n(x.row(offsets[s] + r), features, one.row(r));
      const Matrix alone = run(one, {0, length}, window);
      for (int64_t r = 0; r < length; ++r) {
        const float* expected = together.row(offsets[s] + r);
        ASSERT_TRUE(same_bits(alone.row(r), expected, features)) << "sequence " << s;
        ASSERT_TRUE(same_bits(shared.row(offsets[s] + r), expected, features)) << "sequence " << s;
      }
    }
  }
}

TEST_P(ConvolutionTest, BatchWithoutRowsIsRefused) {
  for (const int64_t features : kFeatures) {
    Matrix x(0, features);
    EXPECT_EQ(run(x, {0}, {5, 2}).rows(), 0);
    EXPECT_EQ(run(x, {0, 0, 0}, {5, 2}).rows(), 0);
  }
}

TEST_P(ConvolutionTest, NanReachesAnotherSequence) {
  const std::vector<int64_t> offsets = {0, 4, 9};
  for (const int64_t features : kFeatures) {
    Matrix x = Matrix::random(offsets.back(), features, 3);
    const Matrix expected = run(x, offsets, {5, 2});
    x.at(3, 1) = kNan;
    const Matrix out = run(x, offsets, {5, 2});
    EXPECT_TRUE(std::isnan(out.at(3, 1)));
    for (int64_t row = 4; row < 9; ++row) EXPECT_TRUE(same_bits(out.row(row), expected.row(row), features)) << row;
  }
}

EMB_FOR_EVERY_DEVICE(ConvolutionTest);

}  // namespace
}  // namespace emberline
