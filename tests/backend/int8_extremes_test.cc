// SPDX-License-Identifier: Apache-2.0
#include "backend/low_fixture.h"

namespace emberline {
namespace {

class Int8ExtremesTest : public LowKernelsTest {};

// Elements of the largest magnitude in every arrangement of signs over four neighbours, so that sums of two and of four
// products are as large as they can be.
TEST_P(Int8ExtremesTest, SumsOfLargestElementsSaturate) {
  const int64_t k = 384;
  const int64_t m = 32;
  const int64_t n = 80;
  const auto sign = [](int64_t pattern, int64_t i) { return ((pattern >> (i % 4)) & 1) != 0 ? -1 : 1; };
  Matrix weight(n, k);
  for (int64_t c = 0; c < n; ++c) {
    for (int64_t i = 0; i < k; ++i) weight.at(c, i) = static_cast<float>(sign(c % 16, i)) * kernels_->largest_weight;
  }
  std::vector<float> ones(128, 1.0F);
  const std::vector<float> zeros(128, 0.0F);
  AlignedBytes packed(kernels_->packed_bytes(n, k));
  kernels_->pack(weight.view(), ones.data(), packed.data());
  OperandRows x = operand(m, k);
  for (int64_t r = 0; r < m; ++r) {
    std::memset(x.row(r), 0, static_cast<size_t>(x.row_bytes()));
    for (int64_t i = 0; i < k; ++i) x.row(r)[i] = static_cast<char>(127 * sign(r % 16, i));
    x.set_scale(r, 1.0F);
  }
  Matrix out(m, n);
  kernels_->product(x.view(), {packed.data(), zeros.data(), ones.data(), k, n}, Activation::kNone, out.view());
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t c = 0; c < n; ++c) {
      int64_t sum = 0;
      for (int64_t i = 0; i < k; ++i) sum += int64_t{127} * sign(r % 16, i) * sign(c % 16, i);
      const double expected = static_cast<double>(sum) * double{kernels_->largest_weight};
      ASSERT_EQ(out.at(r, c), expected) << r << ", " << c;
    }
  }
}

TEST_P(Int8ExtremesTest, ColumnOfZerosGivesMoreThanTheBias) {
  const int64_t k = 70;
  Matrix weight(2, k);
  for (int64_t i = 0; i < k; ++i) weight.at(1, i) = 1.0F;
  const std::vector<float> scales = [&] {
    std::vector<float> s(64, 0.0F);
    s[1] = 1.0F / kernels_->largest_weight;
    return s;
  }();
  std::vector<float> bias(64, 0.0F);
  bias[0] = 0.25F;
  AlignedBytes packed(kernels_->packed_bytes(2, k));
  kernels_->pack(weight.view(), scales.data(), packed.data());
  OperandRows x = quantised(Matrix::random(5, k, 1));
  Matrix out(5, 2);
  kernels_->product(x.view(), {packed.data(), bias.data(), scales.data(), k, 2}, Activation::kNone, out.view());
  for (int64_t r = 0; r < 5; ++r) EXPECT_EQ(out.at(r, 0), 0.25F);
}

EMB_FOR_LOW_TABLES(Int8ExtremesTest,
                   [](const cpu::LowKernels& kernels) { return kernels.precision == cpu::Precision::kInt8; });

}  // namespace
}  // namespace emberline
