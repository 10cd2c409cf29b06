// SPDX-License-Identifier: Apache-2.0
#include "backend/exact_activation.h"
#include "backend/low_fixture.h"

namespace emberline {
namespace {

constexpr double kRounding = 0x1p-24;        // of one operation in f32
constexpr double kBf16Rounding = 0x1.01p-8;  // of a number to bf16

// What the cheaper activations of these kernels may be off by, in parts of max(1, |x| / 4): far less than the rounding
// to bf16 or int8 that follows.
constexpr double kActivationError = 5e-5;

constexpr Activation kActivations[] = {Activation::kNone,      Activation::kGelu, Activation::kGeluTanh,
                                       Activation::kQuickGelu, Activation::kRelu, Activation::kSilu,
                                       Activation::kTanh};

// What a product must give for the elements it is given, and how far rounding in f32 may lead.
struct Expected {
  double value;
  double error;
};

Expected expected_at(const OperandRows& x, int64_t r, const PackedWeights& w, int64_t n, bool int8) {
  double sum = 0;
  double magnitude = 0;
  for (int64_t k = 0; k < x.cols(); ++k) {
    const double term = x.element(r, k) * w.element(n, k);
    sum += term;
    magnitude += std::abs(term);
  }
  if (int8) {
    // The sum of whole numbers is exact; four operations follow.
    const double scaled = sum * double{x.scale(r)} * w.scale(n);
    return {scaled + w.bias(n), 4 * kRounding * (std::abs(scaled) + std::abs(w.bias(n))) + 1e-37};
  }
  const double chain = 4 + 2 * std::sqrt(static_cast<double>(x.cols()));
  return {sum + w.bias(n), chain * kRounding * (magnitude + std::abs(w.bias(n))) + 1e-37};
}

class LowProductTest : public LowKernelsTest {
 protected:
  void expect_near_operand(const OperandRows& out, const std::vector<std::vector<Expected>>& expected) {
    for (int64_t r = 0; r < out.rows(); ++r) {
      const auto& row = expected[static_cast<size_t>(r)];
      double largest = 0;
      double error = 0;
      for (const Expected& e : row) largest = std::max(largest, std::abs(e.value)), error = std::max(error, e.error);
      // Where a row waits as bf16, its numbers have been rounded to that.
      const double waited = kernels_->requantise != nullptr ? kBf16Rounding : 0;
      if (int8_) {
        ASSERT_NEAR(out.scale(r), largest / 127, (error + (4 * kRounding + waited) * largest) / 127);
      }
      for (int64_t c = 0; c < out.cols(); ++c) {
        const Expected& e = row[static_cast<size_t>(c)];
        const double half = int8_ ? waited : kBf16Rounding;
        const double step = int8_ ? 0.50002 * double{out.scale(r)} : 0;
        ASSERT_NEAR(out.at(r, c), e.value, step + half * std::abs(e.value) + 1.01 * error + 1e-37)
            << "row " << r << ", column " << c;
      }
    }
  }

  // What product_activated must make, by the way over bf16.
  OperandRows requantised(OperandRows& x, const PackedWeights& w, Activation activation) {
    OperandRows half(cpu::Precision::kBf16, x.rows(), w.view().out_features);
    const cpu::OperandView h = half.view();
    const cpu::Bf16View rows = {static_cast<uint16_t*>(h.data), h.rows, h.cols, h.row_stride};
    kernels_->product_bf16(x.view(), w.view(), activation, rows);
    OperandRows out = operand(h.rows, h.cols);
    kernels_->requantise(rows, out.view());
    return out;
  }
};

TEST_P(LowProductTest, SizesAroundTilesAndVectorsGiveWrongSums) {
  const int64_t rows[] = {0, 1, 2, 6, 15, 16, 17, 31, 32, 33, 64, 70};
  const int64_t cols[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100};
  const int64_t depths[] = {1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 100, 130};
  uint32_t seed = 1;
  for (const int64_t n : cols) {
    for (const int64_t k : depths) {
      const PackedWeights w(*kernels_, n, k, ++seed);
      ASSERT_TRUE(w.wall_stands());
      const OperandRows most = quantised(Matrix::random(70, k, ++seed));
      std::vector<std::vector<Expected>> expected(70);
      for (int64_t r = 0; r < 70; ++r) {
        for (int64_t c = 0; c < n; ++c) expected[static_cast<size_t>(r)].push_back(expected_at(most, r, w, c, int8_));
      }
      for (const int64_t m : rows) {
        OperandRows x = operand(m, k);
        for (int64_t r = 0; r < m; ++r) {
          std::memcpy(x.row(r), most.row(r), static_cast<size_t>(x.row_bytes()));
          x.set_scale(r, most.scale(r));
        }
        Matrix out(m, n);
        kernels_->product(x.view(), w.view(), Activation::kNone, out.view());
        ASSERT_TRUE(out.walls_stand()) << m << " x " << n << " x " << k;
        for (int64_t r = 0; r < m; ++r) {
          for (int64_t c = 0; c < n; ++c) {
            const Expected& e = expected[static_cast<size_t>(r)][static_cast<size_t>(c)];
            ASSERT_NEAR(out.at(r, c), e.value, e.error) << m << " x " << n << " x " << k << " at " << r << ", " << c;
          }
        }
        OperandRows next = operand(m, n);
        kernels_->product_activated(x.view(), w.view(), Activation::kNone, next.view(), scratch(n).data());
        ASSERT_TRUE(next.walls_stand()) << m << " x " << n << " x " << k;
        ASSERT_NO_FATAL_FAILURE(expect_near_operand(next, expected)) << m << " x " << n << " x " << k;
        if (kernels_->product_bf16 == nullptr) continue;
        OperandRows half(cpu::Precision::kBf16, m, n);
        const cpu::OperandView h = half.view();
        kernels_->product_bf16(x.view(), w.view(), Activation::kNone,
                               {static_cast<uint16_t*>(h.data), m, n, h.row_stride});
        ASSERT_TRUE(half.walls_stand()) << m << " x " << n << " x " << k;
        for (int64_t r = 0; r < m; ++r) {
          for (int64_t c = 0; c < n; ++c) ASSERT_EQ(half.at(r, c), bf16_value(bf16_of(out.at(r, c))));
        }
      }
    }
  }
}

TEST_P(LowProductTest, LargeProductIsCutWrongly) {
  // Past the columns of a chunk, the depth of a slice and the rows of a group.
  const std::pair<int64_t, int64_t> shapes[] = {{1536, 384}, {384, 1536}, {3072, 768}, {200, 4096},
                                                {768, 3072}, {96, 2080},  {1056, 2240}};
  for (const auto& [n, k] : shapes) {
    const int64_t m = 170;
    const PackedWeights w(*kernels_, n, k, 1);
    OperandRows x = quantised(Matrix::random(m, k, 2));
    Matrix out(m, n);
    kernels_->product(x.view(), w.view(), Activation::kNone, out.view());
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t c = r % 7; c < n; c += 37) {
        const Expected e = expected_at(x, r, w, c, int8_);
        ASSERT_NEAR(out.at(r, c), e.value, e.error) << n << " x " << k << " at " << r << ", " << c;
      }
    }
  }
}

TEST_P(LowProductTest, OperandOfAProductIsNotItsNumbersQuantised) {
  const int64_t m = 75;
  for (const int64_t n : {1536, 90}) {
    const PackedWeights w(*kernels_, n, 384, 1);
    OperandRows x = quantised(Matrix::random(m, 384, 2));
    for (const Activation activation : kActivations) {
      Matrix out(m, n);
      kernels_->product(x.view(), w.view(), activation, out.view());
      ASSERT_TRUE(out.walls_stand());
      OperandRows next = operand(m, n);
      kernels_->product_activated(x.view(), w.view(), activation, next.view(), scratch(n).data());
      const OperandRows same = kernels_->requantise != nullptr ? requantised(x, w, activation) : quantised(out);
      for (int64_t r = 0; r < m; ++r) {
        ASSERT_TRUE(next.same_row(r, same, r)) << "activation " << static_cast<int>(activation) << ", row " << r;
      }
    }
  }
}

TEST_P(LowProductTest, ActivationStraysFromItsDefinition) {
  // Sums from -12 to 12 and far beyond.
  const int64_t n = 96;
  const int64_t k = 64;
  for (const float spread : {0.02F, 0.3F, 1.0F, 30.0F, 1e4F}) {
    const PackedWeights w(*kernels_, n, k, 5);
    OperandRows x = quantised(Matrix::random(40, k, 6, spread));
    for (const Activation activation : kActivations) {
      std::vector<std::vector<Expected>> expected(40);
      for (int64_t r = 0; r < 40; ++r) {
        for (int64_t c = 0; c < n; ++c) {
          const Expected sum = expected_at(x, r, w, c, int8_);
          const double slack = kActivationError * std::max(1.0, std::abs(sum.value) / 4);
          expected[static_cast<size_t>(r)].push_back(
              {exact_activation(activation, sum.value), 1.2 * sum.error + slack});
        }
      }
      OperandRows next = operand(40, n);
      kernels_->product_activated(x.view(), w.view(), activation, next.view(), scratch(n).data());
      ASSERT_NO_FATAL_FAILURE(expect_near_operand(next, expected))
          << "activation " << static_cast<int>(activation) << ", spread " << spread;
    }
  }
}

TEST_P(LowProductTest, GateTakesAnotherColumnOrItsActivationStrays) {
  if (kernels_->gate_bf16 == nullptr) GTEST_SKIP() << "gates run in f32 here";
  const int64_t m = 19;
  uint32_t seed = 20;
  for (const int64_t n : {1, 15, 16, 17, 31, 32, 33, 70, 1152}) {
    const Matrix numbers = Matrix::random(m, 2 * n, ++seed, 3.0F);
    for (const Activation activation : kActivations) {
      OperandRows both(cpu::Precision::kBf16, m, 2 * n);
      std::vector<std::vector<Expected>> expected(static_cast<size_t>(m));
      for (int64_t r = 0; r < m; ++r) {
        for (int64_t c = 0; c < 2 * n; ++c) set_bf16(both, r, c, numbers.at(r, c));
        for (int64_t c = 0; c < n; ++c) {
          const double gate = both.at(r, c);
          const double value = both.at(r, n + c);
          const double slack = kActivationError * std::max(1.0, std::abs(gate) / 4) * std::abs(value);
          expected[static_cast<size_t>(r)].push_back({exact_activation(activation, gate) * value, slack});
        }
      }
      const cpu::OperandView x = both.view();
      OperandRows out = operand(m, n);
      kernels_->gate_bf16({static_cast<uint16_t*>(x.data), m, 2 * n, x.row_stride}, activation, out.view());
      ASSERT_NO_FATAL_FAILURE(expect_near_operand(out, expected))
          << "activation " << static_cast<int>(activation) << ", " << n << " columns";
    }
  }
}

TEST_P(LowProductTest, RowChangesWithItsPlaceInTheBatch) {
  const std::pair<int64_t, int64_t> shapes[] = {{1100, 5}, {1100, 384}, {1100, 1536}, {416, 3136}};
  for (const auto& [n, k] : shapes) {
    const int64_t most = k > 3000 ? 200 : 100;
    const PackedWeights w(*kernels_, n, k, 7);
    Matrix rows = Matrix::random(most, k, 9);
    for (int64_t r = 1; r < most; ++r) std::memcpy(rows.row(r), rows.row(0), static_cast<size_t>(k) * sizeof(float));
    OperandRows x = quantised(rows);
    Matrix alone(1, n);
    kernels_->product(x.rows_view(1), w.view(), Activation::kNone, alone.view());
    OperandRows next_alone = operand(1, n);
    kernels_->product_activated(x.rows_view(1), w.view(), Activation::kGelu, next_alone.view(), scratch(n).data());
    for (const int64_t m : {int64_t{2}, int64_t{17}, int64_t{33}, int64_t{50}, most}) {
      Matrix out(m, n);
      kernels_->product(x.rows_view(m), w.view(), Activation::kNone, out.view());
      OperandRows next = operand(m, n);
      kernels_->product_activated(x.rows_view(m), w.view(), Activation::kGelu, next.view(), scratch(n).data());
      for (int64_t r = 0; r < m; ++r) {
        ASSERT_TRUE(same_bits(out.row(r), alone.row(0), n)) << "row " << r << " of " << m;
        ASSERT_TRUE(next.same_row(r, next_alone, 0)) << "row " << r << " of " << m;
      }
    }
  }
}

TEST_P(LowProductTest, NanAndInfinityLeaveTheirRow) {
  const int64_t m = 40;
  const int64_t k = 70;
  const int64_t n = 37;
  const PackedWeights w(*kernels_, n, k, 1);
  const Matrix clean = Matrix::random(m, k, 3);
  Matrix dirty = clean;
  dirty.at(4, 69) = kNan;
  dirty.at(17, 0) = kInfinity;
  dirty.at(33, 5) = -kNan;
  dirty.at(33, 6) = -kInfinity;
  OperandRows x = quantised(clean);
  OperandRows y = quantised(dirty);
  Matrix expected(m, n);
  Matrix out(m, n);
  kernels_->product(x.view(), w.view(), Activation::kNone, expected.view());
  kernels_->product(y.view(), w.view(), Activation::kNone, out.view());
  ASSERT_TRUE(out.walls_stand());
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t c = 0; c < n; ++c) {
      if (r == 4 || r == 33) {
        ASSERT_TRUE(std::isnan(out.at(r, c)));
      }
      if (r == 17) {
        ASSERT_FALSE(std::isfinite(out.at(r, c)));
      }
    }
    if (r != 4 && r != 17 && r != 33) {
      ASSERT_TRUE(same_bits(out.row(r), expected.row(r), n)) << "row " << r;
    }
  }
  for (const Activation activation : kActivations) {
    OperandRows next_expected = operand(m, n);
    OperandRows next = operand(m, n);
    kernels_->product_activated(x.view(), w.view(), activation, next_expected.view(), scratch(n).data());
    kernels_->product_activated(y.view(), w.view(), activation, next.view(), scratch(n).data());
    ASSERT_TRUE(next.walls_stand());
    for (int64_t r = 0; r < m; ++r) {
      if (r == 4 || r == 33) {
        for (int64_t c = 0; c < n; ++c) ASSERT_TRUE(std::isnan(next.at(r, c))) << static_cast<int>(activation);
      } else if (r != 17) {
        ASSERT_TRUE(next.same_row(r, next_expected, r)) << "row " << r;
      }
    }
  }
}

TEST_P(LowProductTest, ZerosAndTinyRowsGiveMoreThanTheBias) {
  const int64_t n = 40;
  const PackedWeights w(*kernels_, n, 48, 1);
  Matrix rows(3, 48);
  for (int64_t k = 0; k < 48; ++k) {
    rows.at(1, k) = 1e-42F;
    rows.at(2, k) = k == 7 ? 1e30F : 1e-3F;  // one huge outlier
  }
  OperandRows x = quantised(rows);
  Matrix out(3, n);
  kernels_->product(x.view(), w.view(), Activation::kNone, out.view());
  for (int64_t c = 0; c < n; ++c) {
    EXPECT_EQ(out.at(0, c), w.bias(c));
    EXPECT_EQ(out.at(1, c), w.bias(c));
    const double outlier = x.at(2, 7) * w.element(c, 7) * w.scale(c);
    EXPECT_NEAR(out.at(2, c), outlier, 1e-5 * std::abs(outlier) + 2);
  }
}

EMB_FOR_EVERY_LOW_TABLE(LowProductTest);

class LowRowsTest : public LowKernelsTest {
 protected:
  // Row r of `out` must hold x[r] * factors.
  void expect_quantised(const OperandRows& out, const Matrix& x, const std::vector<float>& factors) {
    for (int64_t r = 0; r < x.rows(); ++r) {
      std::vector<float> row;
      for (int64_t c = 0; c < x.cols(); ++c) {
        row.push_back(factors.empty() ? x.at(r, c) : x.at(r, c) * factors[static_cast<size_t>(c)]);
      }
      float largest = 0;
      bool nan = false;
      for (const float v : row) largest = std::max(largest, std::abs(v)), nan = nan || std::isnan(v);
      if (!int8_) {
        for (int64_t c = 0; c < x.cols(); ++c) {
          const uint16_t half = bf16_of(row[static_cast<size_t>(c)]);
          ASSERT_EQ(std::memcmp(out.row(r) + 2 * c, &half, 2), 0) << "row " << r << ", column " << c;
        }
      } else if (nan) {
        ASSERT_TRUE(std::isnan(out.scale(r))) << "row " << r;
      } else if (std::isinf(largest)) {
        ASSERT_FALSE(std::isfinite(out.scale(r))) << "row " << r;
      } else {
        ASSERT_NEAR(out.scale(r), largest / 127, 1e-7 * largest / 127 + 1.3e-38);
        for (int64_t c = 0; c < x.cols(); ++c) {
          ASSERT_NEAR(out.at(r, c), row[static_cast<size_t>(c)], 0.50002 * double{out.scale(r)} + 1.6e-36)
              << "row " << r << ", column " << c;
        }
      }
    }
  }

  // Usual rows, then zeros, denormals, NaN, infinity, one outlier, and the ends of the number line.
  static Matrix hard_rows(int64_t cols) {
    Matrix x = Matrix::random(10, cols, 1, 3.0F);
    for (int64_t c = 0; c < cols; ++c) {
      x.at(1, c) = c % 2 == 0 ? 0.0F : -0.0F;
      x.at(2, c) *= 1e-41F;
      x.at(3, c) *= 3e-37F;
      x.at(9, c) *= 1e37F;
    }
    x.at(4, cols - 1) = kNan;
    x.at(5, 0) = -kNan;
    x.at(6, cols / 2) = -kInfinity;
    x.at(7, cols / 3) = 1e30F;
    return x;
  }
};

TEST_P(LowRowsTest, QuantiseRoundsWronglyAtSomeWidth) {
  for (int64_t cols = 1; cols <= 200; cols += cols < 140 ? 1 : 13) {
    Matrix x = hard_rows(cols);
    const Matrix factor_row = Matrix::random(1, cols, 5);
    const std::vector<float> factors(factor_row.row(0), factor_row.row(0) + cols);
    OperandRows out = operand(x.rows(), cols);
    kernels_->quantise(x.view(), nullptr, out.view());
    ASSERT_TRUE(out.walls_stand()) << cols;
    ASSERT_NO_FATAL_FAILURE(expect_quantised(out, x, {})) << cols;
    kernels_->quantise(x.view(), factors.data(), out.view());
    ASSERT_TRUE(out.walls_stand()) << cols;
    ASSERT_NO_FATAL_FAILURE(expect_quantised(out, x, factors)) << cols;
    for (int64_t r = 0; r < x.rows(); ++r) {
      OperandRows alone = operand(1, cols);
      kernels_->quantise(x.rows_view(r, 1), factors.data(), alone.view());
      ASSERT_TRUE(alone.same_row(0, out, r)) << cols << ", row " << r;
    }
  }
}

TEST_P(LowRowsTest, NormDiffersFromItsPartsDoneOneByOne) {
  for (int64_t cols = 1; cols <= 200; cols += cols < 140 ? 1 : 13) {
    const Matrix gain = Matrix::random(1, cols, 101);
    const Matrix bias = Matrix::random(1, cols, 102);
    const Matrix factors = Matrix::random(1, cols, 103);
    for (const auto& [with_residual, is_rms] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
      const cpu::NormView weights = {gain.row(0), is_rms ? nullptr : bias.row(0), 1e-12F, is_rms};
      for (const float* factor : {static_cast<const float*>(nullptr), factors.row(0)}) {
        Matrix x = hard_rows(cols);
        Matrix residual = Matrix::random(x.rows(), cols, 2);
        const MatrixView other = with_residual ? residual.view() : MatrixView{};
        Matrix hidden(x.rows(), cols);
        OperandRows out = operand(x.rows(), cols);
        kernels_->norm(x.view(), other, weights, factor, hidden.view(), out.view());
        ASSERT_TRUE(hidden.walls_stand()) << cols;
        ASSERT_TRUE(out.walls_stand()) << cols;
        OperandRows expected = operand(x.rows(), cols);
        kernels_->quantise(hidden.view(), factor, expected.view());
        for (int64_t r = 0; r < x.rows(); ++r) ASSERT_TRUE(out.same_row(r, expected, r)) << cols << ", row " << r;

        Matrix in_place = x;
        OperandRows again = operand(x.rows(), cols);
        kernels_->norm(in_place.view(), other, weights, factor, in_place.view(), again.view());
        for (int64_t r = 0; r < x.rows(); ++r) {
          ASSERT_TRUE(same_bits(in_place.row(r), hidden.row(r), cols)) << cols << ", row " << r;
          ASSERT_TRUE(again.same_row(r, out, r)) << cols << ", row " << r;
        }
      }
    }
  }
}

TEST_P(LowRowsTest, NormDiffersFromThatOfTheF32Kernels) {
  const std::string name = GetParam().name;
  const cpu::Kernels* f32 = name.starts_with("amx") || name.starts_with("avx512") ? cpu::avx512_kernels()
                            : name.starts_with("avx")                             ? cpu::avx2_kernels()
                                                                                  : cpu::portable_kernels();
  for (const int64_t cols : {1, 17, 100, 384, 1000}) {
    const Matrix gain = Matrix::random(1, cols, 101);
    const Matrix bias = Matrix::random(1, cols, 102);
    for (const bool is_rms : {false, true}) {
      const cpu::NormView weights = {gain.row(0), is_rms ? nullptr : bias.row(0), 1e-12F, is_rms};
      Matrix x = Matrix::random(5, cols, 1);
      Matrix residual = Matrix::random(5, cols, 2);
      Matrix expected(5, cols);
      f32->norm(x.view(), residual.view(), weights, expected.view());
      Matrix hidden(5, cols);
      OperandRows out = operand(5, cols);
      kernels_->norm(x.view(), residual.view(), weights, nullptr, hidden.view(), out.view());
      for (int64_t r = 0; r < 5; ++r) ASSERT_TRUE(same_bits(hidden.row(r), expected.row(r), cols)) << cols;
    }
  }
}

EMB_FOR_EVERY_LOW_TABLE(LowRowsTest);

}  // namespace
}  // namespace emberline
