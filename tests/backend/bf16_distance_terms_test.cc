// SPDX-License-Identifier: Apache-2.0
// Attention in bf16 whose scores have terms of distances.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "backend/bf16_attention_fixture.h"

namespace emberline {
namespace {

// Which row a distance has, by itself; they never fall as it grows, or never rise.
using RowOf = std::function<int64_t(int64_t)>;

// As DeBERTa has them: rows fall, and far distances share them.
int64_t shared_row(int64_t distance) {
  const int64_t steps = std::abs(distance);
  const int64_t shared = steps <= 40 ? steps : 40 + (steps - 40) / 7;
  return 150 - (distance < 0 ? -shared : shared);
}
int64_t falling_row(int64_t distance) {
  return 400 - distance;
}
int64_t rising_row(int64_t distance) {
  return 400 + distance;
}
int64_t skipping_row(int64_t distance) {
  return std::clamp<int64_t>(300 + 3 * distance, 0, 700);
}
int64_t only_row(int64_t) {
  return 5;
}

class Bf16DistanceTermsTest : public Bf16AttentionTest {
 protected:
  static constexpr int64_t kReach = 299;

  // Which of both kinds a shape has.
  struct Kinds {
    bool by_query = true;
    bool by_key = true;
  };

  HeadsShape shape_with_terms(int64_t num_heads, int64_t head_dim, const RowOf& row_of, Kinds kinds) {
    return shape_with_terms(num_heads, head_dim, row_of, kinds, [](cpu::AlignedFloats&, cpu::AlignedFloats&) {});
  }

  // `change` is called with the rows by query and by key before they are packed.
  template <typename Change>
  HeadsShape shape_with_terms(int64_t num_heads, int64_t head_dim, const RowOf& row_of, Kinds kinds, Change change) {
    terms_ = {};
    terms_.cols = num_heads * head_dim;
    terms_.reach = kReach;
    for (int64_t d = -kReach; d <= kReach; ++d) terms_.row_of.push_back(static_cast<int32_t>(row_of(d)));
    const int64_t rows = *std::max_element(terms_.row_of.begin(), terms_.row_of.end()) + 1;
    auto by_query = random_terms(rows * terms_.cols, 11);
    auto by_key = random_terms(rows * terms_.cols, 12);
    change(*by_query, *by_key);
    if (kinds.by_query) terms_.by_query = std::move(by_query);
    if (kinds.by_key) terms_.by_key = std::move(by_key);
    tiles_.emplace(terms_, num_heads);
    HeadsShape shape = {num_heads, head_dim, 1.0F / std::sqrt(3.0F * static_cast<float>(head_dim))};
    shape.terms = &terms_;
    shape.tiles = &*tiles_;
    return shape;
  }

 private:
  // Numbers that bf16 has.
  static std::unique_ptr<cpu::AlignedFloats> random_terms(int64_t count, uint32_t seed) {
    auto terms = std::make_unique<cpu::AlignedFloats>(count);
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < count; ++i) terms->data()[i] = bf16_value(bf16_of(normal(generator)));
    return terms;
  }

  DistanceTerms terms_;
  std::optional<cpu::DistanceTiles> tiles_;
};

TEST_P(Bf16DistanceTermsTest, TermOfADistanceIsAnotherDistances) {
  for (const auto& row_of : {shared_row, falling_row, rising_row, skipping_row, only_row}) {
    for (const Kinds kinds : {Kinds{true, true}, Kinds{true, false}, Kinds{false, true}}) {
      const HeadsShape shape = shape_with_terms(2, 64, row_of, kinds);
      OperandRows rows = random_rows(kReach + 1, shape, 1);
      for (const int64_t len : {1, 2, 7, 16, 17, 31, 33, 40, 128, 129, 300}) {
        ASSERT_NO_FATAL_FAILURE(expect_near_twin(rows, len, shape, 1 + len / 31))
            << "rows " << row_of(-1) << ", " << row_of(0) << ", " << row_of(1) << ", by query " << kinds.by_query
            << ", by key " << kinds.by_key;
      }
    }
  }
}

TEST_P(Bf16DistanceTermsTest, ShortSequencesGiveWrongSums) {
  const HeadsShape shape = shape_with_terms(2, 32, shared_row, {});
  OperandRows rows = random_rows(70, shape, 2);
  for (int64_t len = 1; len <= 70; ++len) expect_near_twin(rows, len, shape, 1);
}

TEST_P(Bf16DistanceTermsTest, HeadsThatFillNoTilesGiveWrongSums) {
  for (const int64_t head_dim : {1, 8, 20, 31, 33, 48, 80, 128, 192}) {
    const HeadsShape shape = shape_with_terms(2, head_dim, shared_row, {});
    OperandRows rows = random_rows(kReach + 1, shape, 3);
    for (const int64_t len : {1, 7, 17, 129, 300}) expect_near_twin(rows, len, shape, 1 + len / 31);
  }
}

TEST_P(Bf16DistanceTermsTest, CausalityOrBiasIsLostBesideThem) {
  for (const bool causal : {false, true}) {
    HeadsShape shape = shape_with_terms(2, 48, shared_row, {});
    shape.causal = causal;
    shape.reach = kReach;
    std::mt19937 generator(6);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    for (int64_t i = 0; i < 2 * (2 * shape.reach + 1); ++i) shape.biases.push_back(normal(generator));
    OperandRows rows = random_rows(kReach + 1, shape, 4);
    for (const int64_t len : {1, 6, 17, 130, 300}) expect_near_twin(rows, len, shape, 1 + len / 31);
  }
}

TEST_P(Bf16DistanceTermsTest, SequenceChangesWithItsPlaceAndNeighbours) {
  for (const int64_t head_dim : {32, 64, 20}) {
    const HeadsShape shape = shape_with_terms(2, head_dim, shared_row, {});
    for (const int64_t len : {1, 5, 16, 31, 40, 129, 300}) {
      OperandRows alone = random_rows(len, shape, 5);
      const Matrix expected = attend(alone, 0, len, shape);
      OperandRows among(cpu::Precision::kBf16, 37 + len + 33, shape.cols());  // NaN all around
      for (int64_t r = 0; r < len; ++r) {
        std::memcpy(among.row(37 + r), alone.row(r), static_cast<size_t>(alone.row_bytes()));
      }
      const Matrix out = attend(among, 37, len, shape);
      for (int64_t r = 0; r < len; ++r) {
        ASSERT_TRUE(same_bits(out.row(r), expected.row(r), shape.hidden())) << "length " << len << ", row " << r;
      }
    }
  }
}

TEST_P(Bf16DistanceTermsTest, NanLeavesItsHeadOrIsLost) {
  const int64_t len = 40;
  const HeadsShape clean_shape = shape_with_terms(5, 33, shared_row, {});
  OperandRows rows = random_rows(len, clean_shape, 9);
  const Matrix clean = attend(rows, 0, len, clean_shape);
  for (const float bad : {kNan, kInfinity}) {
    const HeadsShape shape =
        shape_with_terms(5, 33, shared_row, {}, [&](cpu::AlignedFloats& by_query, cpu::AlignedFloats& by_key) {
          by_query.data()[shared_row(3) * 165 + 33 + 5] = bad;  // head 1
          by_key.data()[shared_row(-7) * 165 + 3 * 33] = bad;   // head 3
        });
    set_bf16(rows, 17, shape.hidden() + 2 * 33 + 5, bad);  // a key of head 2
    const Matrix out = attend(rows, 0, len, shape);
    for (int64_t r = 0; r < len; ++r) {
      for (int64_t d = 33; d < 4 * 33; ++d) EXPECT_FALSE(std::isfinite(out.at(r, d))) << "row " << r << ", dim " << d;
      EXPECT_TRUE(same_bits(out.row(r), clean.row(r), 33)) << "head 0";
      EXPECT_TRUE(same_bits(out.row(r) + 4 * 33, clean.row(r) + 4 * 33, 33)) << "head 4";
    }
  }
}

EMB_FOR_LOW_TABLES(Bf16DistanceTermsTest, [](const cpu::LowKernels& kernels) { return kernels.attention != nullptr; });

}  // namespace
}  // namespace emberline
