// SPDX-License-Identifier: Apache-2.0
#include "backend/backend_fixture.h"
#include "backend/devices.h"

namespace emberline {
namespace {

class GatedFeedForwardTest : public DeviceTest {
 protected:
  // [rows, hidden] through inner products of ffn columns each.
  Matrix run(Matrix& x, const Matrix& up, const std::vector<float>& up_bias, const Matrix& down, int64_t num_threads) {
    const HostTensor up_weight = HostTensor::of("up", up);
    const HostTensor up_added("up bias", {up.rows()}, up_bias);
    const HostTensor down_weight = HostTensor::of("down", down);
    const LinearPart up_part = {up_weight.view, up_added.view};
    const LinearPart down_part = {down_weight.view, std::nullopt};
    const auto up_linear = backend_->make_linear({&up_part, 1}, {});
    const auto down_linear = backend_->make_linear({&down_part, 1}, {});
    const auto stream = backend_->make_stream(num_threads);
    const auto operand = backend_->make_operand();
    Matrix out(x.rows(), down.rows());
    stream->to_operand(x.view(), nullptr, *operand);
    stream->gated_feed_forward(*operand, *up_linear, Activation::kSilu, *down_linear, out.view());
    EXPECT_TRUE(out.walls_stand());
    return out;
  }
};

double naive(const Matrix& x, const Matrix& up, const std::vector<float>& up_bias, const Matrix& down, int64_t row,
             int64_t col) {
  const int64_t ffn = up.rows() / 2;
  const auto inner = [&](int64_t i) {
    double sum = double{up_bias[static_cast<size_t>(i)]};
    for (int64_t k = 0; k < x.cols(); ++k) sum += double{x.at(row, k)} * double{up.at(i, k)};
    return sum;
  };
  double sum = 0;
  for (int64_t i = 0; i < ffn; ++i) {
    const double gate = inner(i);
    sum += gate / (1 + std::exp(-gate)) * inner(ffn + i) * double{down.at(col, i)};
  }
  return sum;
}

TEST_P(GatedFeedForwardTest, WrongHalfIsActivatedOrATailIsLost) {
  for (const int64_t ffn : {1, 7, 16, 40, 64, 100}) {
    Matrix x = Matrix::random(9, 48, 1);
    const Matrix up = Matrix::random(2 * ffn, 48, 2, 0.15F);
    const Matrix down = Matrix::random(33, ffn, 3, 0.5F / std::sqrt(static_cast<float>(ffn)));
    const Matrix bias = Matrix::random(1, 2 * ffn, 4);
    const std::vector<float> up_bias(bias.row(0), bias.row(0) + bias.cols());
    const Matrix out = run(x, up, up_bias, down, 1);
    for (int64_t r = 0; r < x.rows(); ++r) {
      for (int64_t c = 0; c < down.rows(); ++c) {
        ASSERT_NEAR(out.at(r, c), naive(x, up, up_bias, down, r, c), feed_forward_bound())
            << "ffn " << ffn << ", row " << r;
      }
    }
  }
}

TEST_P(GatedFeedForwardTest, RowChangesWithItsNeighboursOrThreads) {
  const Matrix up = Matrix::random(2 * 100, 48, 2, 0.15F);
  const Matrix down = Matrix::random(33, 100, 3, 0.05F);
  const std::vector<float> up_bias(200, 0.25F);
  Matrix x = Matrix::random(37, 48, 1);
  const Matrix together = run(x, up, up_bias, down, 1);
  const Matrix shared = run(x, up, up_bias, down, 3);
  for (int64_t r = 0; r < x.rows(); ++r) {
    Matrix one(1, 48);
    std::copy_n(x.row(r), 48, one.row(0));
    const Matrix alone = run(one, up, up_bias, down, 1);
    ASSERT_TRUE(same_bits(alone.row(0), together.row(r), 33)) << r;
    ASSERT_TRUE(same_bits(shared.row(r), together.row(r), 33)) << r;
  }
}

EMB_FOR_EVERY_DEVICE(GatedFeedForwardTest);

}  // namespace
}  // namespace emberline
