// SPDX-License-Identifier: Apache-2.0
#include "backend/backend_fixture.h"
#include "backend/exact_activation.h"

namespace emberline {
namespace {

class LinearTest : public BackendTest {
 protected:
  std::unique_ptr<Linear> make(const Matrix& weight, const std::vector<float>& bias) const {
    const HostTensor w = HostTensor::of("weight", weight);
    const HostTensor b("bias", {static_cast<int64_t>(bias.size())}, bias);
    LinearPart part = {w.view, std::nullopt};
    if (!bias.empty()) part.bias = b.view;
    return backend_->make_dense(part);
  }

  // One element at a time: the product in f32 with an identity weight of one column.
  std::vector<float> activated(const std::vector<float>& inputs, Activation activation) const {
    Matrix one(1, 1);
    one.at(0, 0) = 1.0F;
    const auto identity = make(one, {});
    const int64_t count = static_cast<int64_t>(inputs.size());
    std::vector<float> x = inputs;
    std::vector<float> out(inputs.size());
    stream_->dense({x.data(), count, 1, 1}, *identity, activation, {out.data(), count, 1, 1});
    return out;
  }
};

std::vector<float> random_values(int64_t count, uint32_t seed) {
  const Matrix m = Matrix::random(1, count, seed);
  return {m.row(0), m.row(0) + count};
}

TEST_P(LinearTest, SizesAroundTilesAndVectorsGiveWrongSums) {
  const int64_t rows[] = {0, 1, 2, 5, 6, 7, 11, 12, 13, 24, 25, 37};
  const int64_t cols[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};
  const int64_t depths[] = {1, 2, 3, 15, 16, 17, 33, 100};
  uint32_t seed = 1;
  for (const int64_t n : cols) {
    for (const int64_t k : depths) {
      const Matrix weight = Matrix::random(n, k, ++seed);
      const std::vector<float> bias = random_values(n, ++seed);
      const auto linear = make(weight, bias);
      EXPECT_EQ(linear->in_features, k);
      EXPECT_EQ(linear->out_features, n);
      for (const int64_t m : rows) {
        Matrix x = Matrix::random(m, k, ++seed);
        Matrix out(m, n);
        stream_->dense(x.view(), *linear, Activation::kNone, out.view());
        ASSERT_TRUE(out.walls_stand()) << m << " x " << n << " x " << k;
        for (int64_t r = 0; r < m; ++r) {
          for (int64_t c = 0; c < n; ++c) {
            double sum = bias[static_cast<size_t>(c)];
            double magnitude = std::abs(sum);
            for (int64_t i = 0; i < k; ++i) {
              const double term = double{x.at(r, i)} * double{weight.at(c, i)};
              sum += term;
              magnitude += std::abs(term);
            }
            ASSERT_NEAR(out.at(r, c), sum, 1e-6 * magnitude + 1e-9) << m << " x " << n << " x " << k;
          }
        }
      }
    }
  }
}

TEST_P(LinearTest, RowChangesWithItsPlaceInTheBatch) {
  for (const int64_t k : {5, 384, 1536, 2500}) {
    const int64_t n = 70;
    const int64_t most = std::min<int64_t>(2500, 300000 / k);  // past the rows and the depth of a block
    const auto linear = make(Matrix::random(n, k, 7), random_values(n, 8));
    Matrix x = Matrix::random(most, k, 9);
    for (int64_t r = 1; r < most; ++r) std::memcpy(x.row(r), x.row(0), static_cast<size_t>(k) * sizeof(float));
    Matrix alone(1, n);
    stream_->dense(x.rows_view(0, 1), *linear, Activation::kGelu, alone.view());
    for (const int64_t m : {int64_t{2}, int64_t{3}, int64_t{13}, int64_t{25}, most}) {
      Matrix out(m, n);
      stream_->dense(x.rows_view(0, m), *linear, Activation::kGelu, out.view());
      for (int64_t r = 0; r < m; ++r) ASSERT_TRUE(same_bits(out.row(r), alone.row(0), n)) << "row " << r << " of " << m;
    }
  }
}

TEST_P(LinearTest, NanAndInfinityLeaveTheirRow) {
  const int64_t m = 26;
  const int64_t k = 40;
  const int64_t n = 37;
  const auto linear = make(Matrix::random(n, k, 1), random_values(n, 2));
  Matrix clean = Matrix::random(m, k, 3);
  Matrix dirty = clean;
  dirty.at(4, 39) = kNan;
  dirty.at(17, 0) = kInfinity;
  Matrix expected(m, n);
  Matrix out(m, n);
  for (const Activation activation : {Activation::kNone, Activation::kGelu, Activation::kTanh, Activation::kRelu,
                                      Activation::kSilu, Activation::kGeluTanh, Activation::kQuickGelu}) {
    stream_->dense(clean.view(), *linear, activation, expected.view());
    stream_->dense(dirty.view(), *linear, activation, out.view());
    for (int64_t r = 0; r < m; ++r) {
      if (r == 4) {
        for (int64_t c = 0; c < n; ++c) EXPECT_TRUE(std::isnan(out.at(r, c)));
      } else if (r != 17) {
        ASSERT_TRUE(same_bits(out.row(r), expected.row(r), n)) << "row " << r;
      }
    }
  }
}

TEST_P(LinearTest, StackedPartsAreMisplacedWhereTheySplitAPanel) {
  const Matrix first = Matrix::random(31, 20, 1);
  const Matrix second = Matrix::random(2, 20, 2);
  const Matrix third = Matrix::random(40, 20, 3);
  const HostTensor tensors[] = {HostTensor::of("a", first), HostTensor::of("b", second), HostTensor::of("c", third)};
  const HostTensor bias("bias", {2}, {3.0F, -4.0F});
  const LinearPart parts[] = {
      {tensors[0].view, std::nullopt}, {tensors[1].view, bias.view}, {tensors[2].view, std::nullopt}};
  const auto stacked = backend_->make_linear(parts, {});
  ASSERT_EQ(stacked->out_features, 73);
  Matrix x = Matrix::random(5, 20, 4);
  Matrix together(5, 73);
  stream_->dense(x.view(), *stacked, Activation::kNone, together.view());
  int64_t column = 0;
  const std::pair<const Matrix*, std::vector<float>> alone[] = {{&first, {}}, {&second, {3.0F, -4.0F}}, {&third, {}}};
  for (const auto& [weight, its_bias] : alone) {
    Matrix out(5, weight->rows());
    stream_->dense(x.view(), *make(*weight, its_bias), Activation::kNone, out.view());
    for (int64_t r = 0; r < 5; ++r) EXPECT_TRUE(same_bits(together.row(r) + column, out.row(r), weight->rows()));
    column += weight->rows();
  }
}

TEST_P(LinearTest, HalfPrecisionWeightsAreMisread) {
  // 1, -2, 0.5, the smallest denormal, the largest number, and infinity, in both half formats.
  const uint16_t f16[] = {0x3c00, 0xc000, 0x3800, 0x0001, 0x7bff, 0x7c00};
  const float f16_values[] = {1.0F, -2.0F, 0.5F, 0x1p-24F, 65504.0F, kInfinity};
  const uint16_t bf16[] = {0x3f80, 0xc000, 0x3f00, 0x0001, 0x7f7f, 0xff80};
  const float bf16_values[] = {1.0F, -2.0F, 0.5F, 0x1p-133F, 0x1.fep127F, -kInfinity};
  for (const bool brain : {false, true}) {
    std::vector<std::byte> bytes(13);
    std::memcpy(bytes.data() + 1, brain ? bf16 : f16, 12);
    const TensorView tensor = {"w", brain ? DType::kBF16 : DType::kF16, {6, 1}, bytes.data() + 1};
    const float* values = brain ? bf16_values : f16_values;
    EXPECT_TRUE(same_bits(backend_->upload(tensor)->data(), values, 6));
    const LinearPart part = {tensor, std::nullopt};
    const auto linear = backend_->make_linear(std::span(&part, 1), {});
    Matrix x(1, 1);
    x.at(0, 0) = 1.0F;
    Matrix out(1, 6);
    stream_->dense(x.view(), *linear, Activation::kNone, out.view());
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(out.at(0, i), values[i]);
  }
}

TEST_P(LinearTest, IntegerWeightsAreTakenForFloats) {
  const std::vector<std::byte> bytes(4);
  const LinearPart part = {{"encoder.q", DType::kI8, {2, 2}, bytes.data()}, std::nullopt};
  try {
    backend_->make_linear(std::span(&part, 1), {});
    FAIL() << "int8 weights were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("encoder.q"), std::string::npos) << error.what();
  }
}

TEST_P(LinearTest, ActivationStraysFromItsDefinition) {
  std::vector<float> inputs;
  for (int i = -1200000; i <= 1200000; ++i) inputs.push_back(static_cast<float>(i) * 1e-5F);
  for (float x = 1e-30F; x < 1e30F; x *= 1.7F) {
    inputs.push_back(x);
    inputs.push_back(-x);
  }
  const std::pair<Activation, double> bounds[] = {{Activation::kGelu, 8e-7},      {Activation::kGeluTanh, 1e-6},
                                                  {Activation::kQuickGelu, 1e-6}, {Activation::kSilu, 1e-6},
                                                  {Activation::kTanh, 2.5e-7},    {Activation::kRelu, 0.0}};
  for (const auto& [activation, bound] : bounds) {
    const std::vector<float> out = activated(inputs, activation);
    double worst = 0;
    float where = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      // Past 8 the result is x or 0 to within f32; there the bound is on the relative error.
      const double scale = std::max(1.0, std::abs(double{inputs[i]}) / 8);
      const double error = std::abs(out[i] - exact_activation(activation, inputs[i])) / scale;
      if (!(error <= worst)) worst = error, where = inputs[i];
    }
    EXPECT_LE(worst, bound) << "activation " << static_cast<int>(activation) << " at " << where;
  }
}

TEST_P(LinearTest, TanhLosesSmallNumbers) {
  for (const float x : {1e-3F, 1e-6F, 1e-20F, 1e-38F, -1e-4F}) {
    EXPECT_NEAR(activated({x}, Activation::kTanh)[0] / std::tanh(double{x}), 1.0, 2e-7) << x;
  }
}

TEST_P(LinearTest, ActivationsBreakAtTheEndsOfTheNumberLine) {
  for (const Activation activation :
       {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kRelu, Activation::kSilu}) {
    const std::vector<float> out = activated({kInfinity, kNan, 3e38F, -3e38F, 0.0F, 1e-40F}, activation);
    EXPECT_EQ(out[0], kInfinity);
    EXPECT_TRUE(std::isnan(out[1]));
    EXPECT_EQ(out[2], 3e38F);
    EXPECT_NEAR(out[3], 0.0F, 2.0F);
    EXPECT_EQ(out[4], 0.0F);
    EXPECT_NEAR(out[5], 0.0F, 1e-39F);
  }
  const std::vector<float> out = activated({kInfinity, -kInfinity, kNan}, Activation::kTanh);
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], -1.0F);
  EXPECT_TRUE(std::isnan(out[2]));
}

EMB_FOR_EVERY_ISA(LinearTest);

}  // namespace
}  // namespace emberline
