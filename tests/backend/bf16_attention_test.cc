// SPDX-License-Identifier: Apache-2.0
#include "backend/bf16_attention_fixture.h"

namespace emberline {
namespace {

TEST_P(Bf16AttentionTest, ShortSequencesGiveWrongSums) {
  const HeadsShape shape = usual(3, 32);
  OperandRows rows = random_rows(70, shape, 1);
  for (int64_t len = 1; len <= 70; ++len) expect_near_twin(rows, len, shape, 1);
}

TEST_P(Bf16AttentionTest, LongSequencesGiveWrongSums) {
  const HeadsShape shape = usual(2, 32);
  OperandRows rows = random_rows(4097, shape, 2);
  for (const int64_t len : {127, 128, 129, 255, 256, 257, 512, 1000}) expect_near_twin(rows, len, shape, len / 9);
  expect_near_twin(rows, 4097, shape, 512);
}

TEST_P(Bf16AttentionTest, HeadsThatFillNoTilesGiveWrongSums) {
  for (const int64_t head_dim : {1, 8, 16, 31, 33, 48, 64, 80, 96, 100, 128, 192}) {
    const HeadsShape shape = usual(2, head_dim);
    OperandRows rows = random_rows(300, shape, 3);
    for (const int64_t len : {1, 7, 16, 17, 33, 129}) expect_near_twin(rows, len, shape, 1);
    expect_near_twin(rows, 300, shape, 23);
  }
}

TEST_P(Bf16AttentionTest, SharedKeysOrCausalityGiveWrongSums) {
  for (const int64_t head_dim : {32, 64, 48, 256}) {
    for (const auto& [num_heads, heads_per_key, causal] :
         {std::tuple{4, 2, false}, {3, 3, true}, {6, 2, true}, {2, 1, true}}) {
      HeadsShape shape = usual(num_heads, head_dim);
      shape.heads_per_key = heads_per_key;
      shape.causal = causal;
      OperandRows rows = random_rows(400, shape, 10);
      for (const int64_t len : {1, 7, 16, 17, 33, 129}) expect_near_twin(rows, len, shape, 1);
      expect_near_twin(rows, 400, shape, 7);
    }
  }
}

TEST_P(Bf16AttentionTest, SharedKeysLoseTheirWindowOrBias) {
  for (const auto& [window, causal] : {std::pair{5, true}, {20, true}, {200, true}, {20, false}}) {
    HeadsShape shape = usual(4, 64);
    shape.heads_per_key = 2;
    shape.causal = causal;
    shape.window = window;
    shape.reach = 399;
    std::mt19937 generator(6);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    for (int64_t i = 0; i < 4 * (2 * shape.reach + 1); ++i) shape.biases.push_back(normal(generator));
    OperandRows rows = random_rows(400, shape, 12);
    for (const int64_t len : {1, 6, 17, 130, 400}) expect_near_twin(rows, len, shape, 1 + len / 31);
  }
}

// A causal row sees no later one, whatever that holds but NaN.
TEST_P(Bf16AttentionTest, LaterTokenMovesAnEarlierOne) {
  HeadsShape shape = usual(4, 64);
  shape.heads_per_key = 2;
  shape.causal = true;
  for (const int64_t len : {40, 300}) {
    OperandRows rows = random_rows(len, shape, 11);
    const Matrix before = attend(rows, 0, len, shape);
    for (int64_t c = 0; c < shape.cols(); ++c) set_bf16(rows, len - 1, c, 1e4F);
    const Matrix after = attend(rows, 0, len, shape);
    for (int64_t r = 0; r + 1 < len; ++r) ASSERT_TRUE(same_bits(after.row(r), before.row(r), shape.hidden())) << r;
    EXPECT_FALSE(same_bits(after.row(len - 1), before.row(len - 1), shape.hidden()));
  }
}

TEST_P(Bf16AttentionTest, KeysOutsideAWindowCountOrThoseInsideDoNot) {
  for (const auto& [window, causal] : {std::tuple{1, false}, {8, false}, {64, false}, {20, true}}) {
    HeadsShape shape = usual(2, window == 8 ? 32 : 64);
    shape.window = window;
    shape.causal = causal;
    OperandRows rows = random_rows(700, shape, 5);
    for (const int64_t len : {1, 2, 9, 17, 65, 66, 128, 129, 145, 700}) {
      expect_near_twin(rows, len, shape, std::max<int64_t>(1, len / 31));
    }
  }
}

TEST_P(Bf16AttentionTest, BiasOfADistanceIsAddedElsewhere) {
  HeadsShape shape = usual(4, 40);
  shape.heads_per_key = 2;
  shape.reach = 299;
  std::mt19937 generator(6);
  std::normal_distribution<float> normal(0.0F, 2.0F);
  for (int64_t i = 0; i < 4 * (2 * shape.reach + 1); ++i) shape.biases.push_back(normal(generator));
  OperandRows rows = random_rows(300, shape, 7);
  for (const int64_t len : {1, 16, 17, 31, 130, 300})
    expect_near_twin(rows, len, shape, std::max<int64_t>(1, len / 31));
  shape.window = 20;
  for (const int64_t len : {17, 130, 300}) expect_near_twin(rows, len, shape, 1 + len / 31);
}

// Errors of single weights are independent: those of their mean grow as the root of the sum of squares, and the table
// of weights adds little to rounding's 0.17 %.
TEST_P(Bf16AttentionTest, WeightsAreRoundedCoarsely) {
  const HeadsShape shape = usual(4, 32);
  OperandRows rows = random_rows(128, shape, 4);
  const Matrix out = attend(rows, 0, 128, shape);
  double errors = 0;
  double spreads = 0;
  for (int64_t query = 0; query < 128; ++query) {
    for (int64_t head = 0; head < 4; ++head) {
      const AttentionTwin twin = twin_of(rows, 0, 128, query, head, shape);
      for (int64_t d = 0; d < 32; ++d) {
        const double error = double{out.at(query, head * 32 + d)} - twin.out[static_cast<size_t>(d)];
        errors += error * error;
        spreads += twin.spread[static_cast<size_t>(d)] * twin.spread[static_cast<size_t>(d)];
      }
    }
  }
  EXPECT_LT(std::sqrt(errors / spreads), 4e-4);
}

TEST_P(Bf16AttentionTest, SequenceChangesWithItsPlaceAndNeighbours) {
  for (const int64_t head_dim : {32, 64, 33}) {
    const HeadsShape shape = usual(2, head_dim);
    for (const int64_t len : {1, 5, 16, 31, 40, 129, 300}) {
      OperandRows alone = random_rows(len, shape, 5);
      const Matrix expected = attend(alone, 0, len, shape);
      for (const int64_t first : {1, 3, 37}) {
        OperandRows among(cpu::Precision::kBf16, first + len + 33, shape.cols());  // NaN all around
        for (int64_t r = 0; r < len; ++r) {
          std::memcpy(among.row(first + r), alone.row(r), static_cast<size_t>(alone.row_bytes()));
        }
        const Matrix out = attend(among, first, len, shape);
        for (int64_t r = 0; r < len; ++r) {
          ASSERT_TRUE(same_bits(out.row(r), expected.row(r), shape.hidden())) << "length " << len << ", row " << r;
        }
      }
    }
  }
}

TEST_P(Bf16AttentionTest, RotationIsAnothersOrLeavesItsHeads) {
  ASSERT_NE(kernels_->rotate_bf16, nullptr);
  for (const int64_t head_dim : {2, 30, 32, 64, 66, 128}) {
    const HeadsShape shape = usual(2, head_dim);
    const Matrix table = Matrix::random(9, head_dim, 3);
    std::vector<float> angles;
    for (int64_t r = 0; r < 9; ++r) angles.insert(angles.end(), table.row(r), table.row(r) + head_dim);
    const OperandRows before = random_rows(9, shape, 4);
    OperandRows after = before;
    auto* keys = reinterpret_cast<uint16_t*>(after.row(0)) + shape.hidden();
    kernels_->rotate_bf16({keys, 9, shape.hidden(), after.view().row_stride}, angles.data(), head_dim);
    const int64_t half = head_dim / 2;
    for (int64_t r = 0; r < 9; ++r) {
      for (int64_t c = 0; c < shape.cols(); ++c) {
        const bool is_key = c / shape.hidden() == 1;
        if (!is_key) {
          ASSERT_EQ(after.at(r, c), before.at(r, c)) << "head_dim " << head_dim << ", column " << c;
          continue;
        }
        const int64_t d = c % head_dim;
        const double other = d < half ? -before.at(r, c + half) : before.at(r, c - half);
        const double expected =
            before.at(r, c) * double{table.at(r, d % half)} + other * double{table.at(r, half + d % half)};
        ASSERT_NEAR(after.at(r, c), expected, 0x1p-8 * std::abs(expected) + 1e-6)
            << "head_dim " << head_dim << ", row " << r << ", column " << c;
      }
    }
  }
}

TEST_P(Bf16AttentionTest, NormOfAHeadIsAnothers) {
  ASSERT_NE(kernels_->norm_heads_bf16, nullptr);
  for (const int64_t head_dim : {2, 12, 32, 66, 128, 256}) {
    for (const bool turns : {false, true}) {
      const HeadsShape shape = usual(2, head_dim);
      const Matrix gain = Matrix::random(1, head_dim, 2);
      const Matrix table = Matrix::random(1, 9 * head_dim, 3);
      const OperandRows before = random_rows(9, shape, 4, 3.0F);
      OperandRows after = before;
      auto* keys = reinterpret_cast<uint16_t*>(after.row(0)) + shape.hidden();
      kernels_->norm_heads_bf16({keys, 9, shape.hidden(), after.view().row_stride}, gain.row(0), 1e-3F,
                                turns ? table.row(0) : nullptr, head_dim);
      const int64_t half = head_dim / 2;
      for (int64_t r = 0; r < 9; ++r) {
        for (int64_t c = 0; c < shape.cols(); ++c) {
          if (c / shape.hidden() != 1) {
            ASSERT_EQ(after.at(r, c), before.at(r, c)) << "head_dim " << head_dim << ", column " << c;
            continue;
          }
          const int64_t d = c % head_dim;
          double squares = 0;
          for (int64_t i = 0; i < head_dim; ++i) squares += std::pow(before.at(r, c - d + i), 2);
          const auto normed = [&](int64_t i) {
            return before.at(r, c - d + i) * double{gain.at(0, i)} /
                   std::sqrt(squares / static_cast<double>(head_dim) + 1e-3);
          };
          const float* angles = table.row(0) + r * head_dim;
          const double other = d < half ? -normed(d + half) : normed(d - half);
          const double expected =
              turns ? normed(d) * double{angles[d % half]} + other * double{angles[half + d % half]} : normed(d);
          ASSERT_NEAR(after.at(r, c), expected, 0x1p-8 * std::abs(expected) + 1e-5)
              << "head_dim " << head_dim << ", row " << r << ", column " << c;
        }
      }
    }
  }
}

TEST_P(Bf16AttentionTest, HugeScoresOverflow) {
  for (const float spread : {30.0F, 3000.0F, 1e8F, 1e15F}) {
    const HeadsShape shape = {2, 32, 1.0F};
    for (const int64_t len : {33, 300}) {
      OperandRows rows = random_rows(len, shape, 6);
      for (int64_t r = 0; r < len; ++r) {
        for (int64_t c = 0; c < 2 * shape.hidden(); ++c) {
          set_bf16(rows, r, c, static_cast<float>(rows.at(r, c)) * spread);
        }
      }
      expect_near_twin(rows, len, shape, 1);  // softmax picks one token
    }
  }
}

TEST_P(Bf16AttentionTest, EqualScoresGiveNoMean) {
  const HeadsShape shape = usual(2, 32);
  for (const int64_t len : {1, 2, 13, 77, 300}) {
    OperandRows rows = random_rows(len, shape, 7);
    for (int64_t r = 0; r < len; ++r) {
      for (int64_t c = 0; c < shape.hidden(); ++c) set_bf16(rows, r, c, 0.0F);
    }
    const Matrix out = attend(rows, 0, len, shape);
    for (int64_t c = 0; c < shape.hidden(); ++c) {
      double mean = 0;
      for (int64_t r = 0; r < len; ++r) mean += rows.at(r, 2 * shape.hidden() + c) / static_cast<double>(len);
      for (int64_t r = 0; r < len; ++r) ASSERT_NEAR(out.at(r, c), mean, 2e-6);  // equal weights round equally
    }
  }
}

// Scores between which the running maximum of a long sequence grows from one chunk of keys to the next.
TEST_P(Bf16AttentionTest, GrowingScoresForgetEarlierKeys) {
  const HeadsShape shape = {1, 32, 1.0F};
  const int64_t len = 700;
  for (const float growth : {0.01F, 0.5F, -0.5F, 20.0F}) {
    OperandRows rows = random_rows(len, shape, 8, 0.05F);
    for (int64_t r = 0; r < len; ++r) {
      set_bf16(rows, r, 0, 1.0F);
      set_bf16(rows, r, 32, growth * static_cast<float>(r / 16));
    }
    expect_near_twin(rows, len, shape, 50);
  }
}

TEST_P(Bf16AttentionTest, NanLeavesItsSequenceOrIsLost) {
  const HeadsShape shape = usual(5, 33);
  for (const int64_t len : {6, 40, 300}) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      OperandRows rows = random_rows(2 * len, shape, 9);
      const Matrix clean = attend(rows, 0, len, shape);
      const Matrix neighbour = attend(rows, len, len, shape);
      const int64_t token = len / 2;
      set_bf16(rows, token, shape.hidden() + 33 + 5, bad);  // a key of head 1
      set_bf16(rows, token, 3 * 33, bad);                   // a query of head 3
      set_bf16(rows, token, 2 * shape.hidden() + 32, bad);  // a value of head 0
      const Matrix out = attend(rows, 0, len, shape);
      for (int64_t r = 0; r < len; ++r) {
        for (int64_t d = 0; d < 33; ++d) {
          EXPECT_EQ(std::isfinite(out.at(r, d)), d != 32);
          EXPECT_TRUE(bad < 0 || !std::isfinite(out.at(r, 33 + d)));  // -infinity may also mean: no weight
          EXPECT_EQ(std::isfinite(out.at(r, 99 + d)), r != token);
        }
        EXPECT_TRUE(same_bits(out.row(r) + 66, clean.row(r) + 66, 33)) << "head 2";
        EXPECT_TRUE(same_bits(out.row(r) + 132, clean.row(r) + 132, 33)) << "head 4";
      }
      const Matrix after = attend(rows, len, len, shape);
      for (int64_t r = 0; r < len; ++r) EXPECT_TRUE(same_bits(after.row(r), neighbour.row(r), shape.hidden()));
    }
  }
}

EMB_FOR_LOW_TABLES(Bf16AttentionTest, [](const cpu::LowKernels& kernels) { return kernels.attention != nullptr; });

}  // namespace
}  // namespace emberline
