// SPDX-License-Identifier: Apache-2.0
#include "backend/backend_fixture.h"

namespace emberline {
namespace {

class PoolingTest : public BackendTest {
 protected:
  Matrix run(Matrix& hidden, const std::vector<int64_t>& offsets, Pooling pooling, int64_t skip) {
    Matrix out(static_cast<int64_t>(offsets.size()) - 1, hidden.cols());
    stream_->pool(hidden.view(), offsets, pooling, skip, out.view());
    EXPECT_TRUE(out.walls_stand());
    return out;
  }
};

constexpr Pooling kAll[] = {Pooling::kMean, Pooling::kCls,          Pooling::kMax,
                            Pooling::kLast, Pooling::kWeightedMean, Pooling::kMeanSqrtLen};

double naive(const Matrix& hidden, int64_t first, int64_t end, int64_t col, Pooling pooling, int64_t skip) {
  double sum = 0;
  double weights = 0;
  double top = -std::numeric_limits<double>::infinity();
  for (int64_t t = first + skip; t < end; ++t) {
    const double weight = pooling == Pooling::kWeightedMean ? static_cast<double>(t - first + 1) : 1.0;
    sum += weight * double{hidden.at(t, col)};
    weights += weight;
    top = std::max(top, double{hidden.at(t, col)});
  }
  const bool none = first + skip >= end;
  switch (pooling) {
    case Pooling::kMax: return top;
    case Pooling::kCls: return hidden.at(none ? first : first + skip, col);
    case Pooling::kLast: return none ? 0.0 : double{hidden.at(end - 1, col)};
    case Pooling::kMeanSqrtLen: return sum / std::sqrt(std::max(weights, 1e-9));
    default: return sum / std::max(weights, 1e-9);
  }
}

TEST_P(PoolingTest, ModeDiffersFromTheReference) {
  const std::vector<int64_t> offsets = {0, 1, 3, 8, 72, 137, 700};
  for (const int64_t cols : {1, 7, 16, 33, 64, 100}) {
    Matrix hidden = Matrix::random(offsets.back(), cols, 4);
    for (const Pooling pooling : kAll) {
      for (const int64_t skip : {0, 1, 2, 6}) {
        const Matrix out = run(hidden, offsets, pooling, skip);
        for (size_t s = 0; s + 1 < offsets.size(); ++s) {
          for (int64_t c = 0; c < cols; ++c) {
            const double expected = naive(hidden, offsets[s], offsets[s + 1], c, pooling, skip);
            const float got = out.at(static_cast<int64_t>(s), c);
            if (std::isinf(expected)) {
              ASSERT_EQ(got, expected);
            } else {
              ASSERT_NEAR(got, expected, 1e-6 * std::max(1.0, std::abs(expected)))
                  << "pooling " << static_cast<int>(pooling) << ", skip " << skip << ", sequence " << s;
            }
          }
        }
      }
    }
  }
}

TEST_P(PoolingTest, SequenceChangesWithItsNeighbours) {
  const std::vector<int64_t> offsets = {0, 9, 10, 140};
  Matrix hidden = Matrix::random(140, 50, 4);
  for (const Pooling pooling : kAll) {
    const Matrix together = run(hidden, offsets, pooling, 1);
    for (size_t s = 0; s + 1 < offsets.size(); ++s) {
      const int64_t own[] = {0, offsets[s + 1] - offsets[s]};
      Matrix alone(1, 50);
      stream_->pool(hidden.rows_view(offsets[s], own[1]), own, pooling, 1, alone.view());
      EXPECT_TRUE(same_bits(together.row(static_cast<int64_t>(s)), alone.row(0), 50));
    }
  }
}

TEST_P(PoolingTest, NanIsLostOrSpreads) {
  const std::vector<int64_t> offsets = {0, 5, 10};
  for (const int64_t bad : {0, 2, 4}) {
    Matrix hidden = Matrix::random(10, 21, 4);
    hidden.at(bad, 20) = kNan;
    for (const Pooling pooling : {Pooling::kMean, Pooling::kMax, Pooling::kWeightedMean, Pooling::kMeanSqrtLen}) {
      const Matrix out = run(hidden, offsets, pooling, 0);
      EXPECT_TRUE(std::isnan(out.at(0, 20))) << static_cast<int>(pooling);
      EXPECT_FALSE(std::isnan(out.at(0, 19)));
      EXPECT_FALSE(std::isnan(out.at(1, 20)));
    }
  }
}

TEST_P(PoolingTest, LongSequenceLosesPrecision) {
  const int64_t len = 30000;
  Matrix hidden(len, 1);
  for (int64_t t = 0; t < len; ++t) hidden.at(t, 0) = 0.1F;
  EXPECT_NEAR(run(hidden, {0, len}, Pooling::kMean, 0).at(0, 0), 0.1F, 4e-7);
}

EMB_FOR_EVERY_ISA(PoolingTest);

}  // namespace
}  // namespace emberline
