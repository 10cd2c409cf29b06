// SPDX-License-Identifier: Apache-2.0
#include "backend/backend_fixture.h"

namespace emberline {
namespace {

class RowwiseTest : public BackendTest {
 protected:
  NormWeights norm_weights(int64_t cols, float eps) {
    const Matrix gain = Matrix::random(1, cols, 101);
    const Matrix bias = Matrix::random(1, cols, 102);
    return {upload({gain.row(0), gain.row(0) + cols}), upload({bias.row(0), bias.row(0) + cols}), nullptr, eps};
  }
};

std::vector<double> naive_norm(const Matrix& x, const Matrix* residual, int64_t r, const NormWeights& weights) {
  std::vector<double> row;
  double mean = 0;
  for (int64_t c = 0; c < x.cols(); ++c) {
    row.push_back(x.at(r, c) + (residual != nullptr ? double{residual->at(r, c)} : 0.0));
    if (!weights.is_rms) mean += row.back() / static_cast<double>(x.cols());
  }
  double variance = 0;
  for (const double v : row) variance += (v - mean) * (v - mean) / static_cast<double>(x.cols());
  for (size_t c = 0; c < row.size(); ++c) {
    row[c] = (row[c] - mean) / std::sqrt(variance + double{weights.eps}) * double{weights.gain->data()[c]} +
             (weights.is_rms ? 0.0 : double{weights.bias->data()[c]});
  }
  return row;
}

TEST_P(RowwiseTest, NormIsWrongAtSomeWidth) {
  for (int64_t cols = 1; cols <= 130; cols += cols < 70 ? 1 : 7) {
    NormWeights weights = norm_weights(cols, 1e-5F);
    for (const auto& [with_residual, is_rms] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
      weights.is_rms = is_rms;
      if (is_rms) weights.bias = nullptr;
      Matrix x = Matrix::random(3, cols, 1, 3.0F);
      Matrix residual = Matrix::random(3, cols, 2);
      Matrix out(3, cols);
      const MatrixView other = with_residual ? residual.view() : MatrixView{};
      stream_->norm(x.view(), other, weights, out.view(), nullptr);
      ASSERT_TRUE(out.walls_stand()) << cols;
      Matrix in_place = x;
      stream_->norm(in_place.view(), other, weights, in_place.view(), nullptr);
      for (int64_t r = 0; r < 3; ++r) {
        const std::vector<double> expected = naive_norm(x, with_residual ? &residual : nullptr, r, weights);
        for (int64_t c = 0; c < cols; ++c) {
          ASSERT_NEAR(out.at(r, c), expected[static_cast<size_t>(c)], 1e-5) << cols;
        }
        ASSERT_TRUE(same_bits(out.row(r), in_place.row(r), cols));
      }
    }
  }
}

TEST_P(RowwiseTest, NormLosesVarianceBesideALargeMeanOrOutlier) {
  const int64_t cols = 384;
  const NormWeights weights = norm_weights(cols, 1e-12F);
  Matrix x = Matrix::random(4, cols, 1);
  for (int64_t c = 0; c < cols; ++c) {
    x.at(0, c) += 1000.0F;
    x.at(1, c) = 0.0F;     // a row of zeros
    x.at(2, c) *= 1e-20F;  // variance below eps and denormal squares
  }
  x.at(3, 77) = 1e6F;
  Matrix out(4, cols);
  stream_->norm(x.view(), {}, weights, out.view(), nullptr);
  for (int64_t r = 0; r < 4; ++r) {
    const std::vector<double> expected = naive_norm(x, nullptr, r, weights);
    for (int64_t c = 0; c < cols; ++c) {
      const double e = expected[static_cast<size_t>(c)];
      ASSERT_NEAR(out.at(r, c), e, 2e-4 * (r == 0) + 1e-5 * std::max(1.0, std::abs(e)))
          << "row " << r << ", column " << c;
    }
  }
}

TEST_P(RowwiseTest, NormOfARowChangesWithItsPlace) {
  const int64_t cols = 100;
  const NormWeights weights = norm_weights(cols, 1e-12F);
  Matrix x = Matrix::random(9, cols, 1);
  x.at(3, 50) = kNan;
  Matrix together(9, cols);
  stream_->norm(x.view(), {}, weights, together.view(), nullptr);
  for (int64_t r = 0; r < 9; ++r) {
    Matrix alone(1, cols, 6);
    stream_->norm(x.rows_view(r, 1), {}, weights, alone.view(), nullptr);
    EXPECT_TRUE(same_bits(together.row(r), alone.row(0), cols));
    EXPECT_EQ(std::isnan(together.at(r, 0)), r == 3);
  }
}

TEST_P(RowwiseTest, EmbeddingAddsTheWrongRows) {
  for (const int64_t hidden : {1, 8, 17, 64, 65}) {
    const Matrix words = Matrix::random(1, 5 * hidden, 1);
    const Matrix positions = Matrix::random(1, 4 * hidden, 2);
    const Matrix types = Matrix::random(1, 2 * hidden, 3);
    EmbeddingTables tables = {upload({words.row(0), words.row(0) + 5 * hidden}),
                              upload({positions.row(0), positions.row(0) + 4 * hidden}),
                              upload({types.row(0), types.row(0) + 2 * hidden}), hidden};
    const int32_t ids[] = {4, 0, 2};
    const int32_t places[] = {0, 3, 1};
    const int32_t kinds[] = {1, 0, 1};
    Matrix out(3, hidden);
    stream_->embed(tables, ids, places, kinds, out.view());
    ASSERT_TRUE(out.walls_stand());
    for (int64_t t = 0; t < 3; ++t) {
      for (int64_t c = 0; c < hidden; ++c) {
        const float word = words.at(0, ids[t] * hidden + c);
        ASSERT_EQ(out.at(t, c), (word + types.at(0, kinds[t] * hidden + c)) + positions.at(0, places[t] * hidden + c));
      }
    }
    tables.word_scale = 3;
    stream_->embed(tables, ids, places, kinds, out.view());
    EXPECT_NEAR(out.at(2, 0), 3 * words.at(0, 2 * hidden) + types.at(0, hidden) + positions.at(0, hidden), 1e-5);
    tables.word_scale = 1;
    tables.positions.reset();
    tables.types.reset();
    stream_->embed(tables, ids, {}, {}, out.view());
    EXPECT_TRUE(same_bits(out.row(0), words.row(0) + 4 * hidden, hidden));
  }
}

TEST_P(RowwiseTest, LayersCombineWrongly) {
  for (const int64_t cols : {1, 15, 33, 80}) {
    std::vector<Matrix> layers = {Matrix::random(3, cols, 1), Matrix::random(3, cols, 2), Matrix::random(3, cols, 3)};
    layers[0].at(2, 0) = kNan;
    layers[1].at(1, 0) = kNan;
    for (const LayerOp op : {LayerOp::kMean, LayerOp::kSum, LayerOp::kMax, LayerOp::kConcat}) {
      const bool concat = op == LayerOp::kConcat;
      Matrix total(3, concat ? 3 * cols : cols);
      for (int64_t step = 0; step < 3; ++step) {
        stream_->combine(layers[static_cast<size_t>(step)].view(), op, step, 3, total.view());
      }
      ASSERT_TRUE(total.walls_stand());
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t c = 0; c < cols; ++c) {
          const float a = layers[0].at(r, c);
          const float b = layers[1].at(r, c);
          const float d = layers[2].at(r, c);
          if (concat) {
            ASSERT_TRUE(same_bits(&layers[1].at(r, c), total.row(r) + cols + c, 1));
            ASSERT_TRUE(same_bits(&layers[2].at(r, c), total.row(r) + 2 * cols + c, 1));
          } else if (std::isnan(a + b)) {
            ASSERT_TRUE(std::isnan(total.at(r, c)));
          } else {
            const float sum = (a + b) + d;
            ASSERT_EQ(total.at(r, c), op == LayerOp::kMax ? std::max({a, b, d}) : op == LayerOp::kSum ? sum : sum / 3);
          }
        }
      }
    }
    Matrix one(3, cols);
    stream_->combine(layers[2].view(), LayerOp::kMean, 0, 1, one.view());
    EXPECT_TRUE(same_bits(one.row(1), layers[2].row(1), cols));
  }
}

TEST_P(RowwiseTest, NormalizedRowHasAnotherLengthThanOne) {
  for (int64_t cols = 1; cols < 140; cols += 3) {
    Matrix x = Matrix::random(4, cols, 1, 5.0F);
    std::memset(x.row(1), 0, static_cast<size_t>(cols) * sizeof(float));
    x.at(2, cols - 1) = kNan;
    const Matrix before = x;
    stream_->normalize(x.view());
    ASSERT_TRUE(x.walls_stand());
    for (const int64_t r : {0, 3}) {
      double length = 0;
      for (int64_t c = 0; c < cols; ++c) length += double{before.at(r, c)} * double{before.at(r, c)};
      for (int64_t c = 0; c < cols; ++c) ASSERT_NEAR(x.at(r, c), before.at(r, c) / std::sqrt(length), 2e-7);
    }
    for (int64_t c = 0; c < cols; ++c) {
      ASSERT_EQ(x.at(1, c), 0.0F);
      ASSERT_TRUE(std::isnan(x.at(2, c)));
    }
  }
}

TEST_P(RowwiseTest, DownloadTakesAnotherRow) {
  Matrix x = Matrix::random(3, 10, 1);
  float host[5] = {};
  stream_->download_row(x.view(), 2, 4, host);
  EXPECT_TRUE(same_bits(host, x.row(2), 4));
  EXPECT_EQ(host[4], 0.0F);
}

EMB_FOR_EVERY_ISA(RowwiseTest);

}  // namespace
}  // namespace emberline
