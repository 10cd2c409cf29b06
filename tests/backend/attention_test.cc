// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/attention.h"

#include "backend/backend_fixture.h"
#include "backend/cpu/isa.h"

namespace emberline {
namespace {

class AttentionTest : public BackendTest {
 protected:
  Matrix run(Matrix& qkv, const std::vector<int64_t>& offsets, const AttentionShape& shape) {
    Matrix out(qkv.rows(), shape.num_heads * shape.head_dim);
    attend(qkv.view(), offsets, shape, out.view());
    EXPECT_TRUE(out.walls_stand());
    return out;
  }

  void attend(MatrixView qkv, std::span<const int64_t> offsets, const AttentionShape& shape, MatrixView out) {
    for (size_t s = 0; s + 1 < offsets.size(); ++s) {
      const int64_t len = offsets[s + 1] - offsets[s];
      if (len > 0)
        attention_->run(rows_of(qkv, offsets[s], len), 0, shape.kv_heads(), shape, rows_of(out, offsets[s], len));
    }
  }

  void SetUp() override {
    BackendTest::SetUp();
    if (!IsSkipped()) attention_.emplace(*cpu::choose_isa(GetParam(), DType::kF32).kernels);
  }

 private:
  std::optional<cpu::Attention> attention_;
};

// Element d of a head's query or key, normed and turned as the shape says.
double turned(const Matrix& qkv, int64_t token, int64_t column, int64_t d, int64_t position,
              const AttentionShape& shape) {
  const Buffer* gain = column < shape.keys_at() ? shape.query_norm : shape.key_norm;
  double squares = 0;
  for (int64_t i = 0; i < shape.head_dim; ++i) squares += std::pow(double{qkv.at(token, column + i)}, 2);
  const double length = std::sqrt(squares / static_cast<double>(shape.head_dim) + double{shape.norm_eps});
  const auto element = [&](int64_t i) {
    const double x = qkv.at(token, column + i);
    return gain != nullptr ? x / length * double{gain->data()[i]} : x;
  };
  if (shape.rotation == nullptr) return element(d);
  const int64_t half = shape.head_dim / 2;
  const float* angles = shape.rotation->data() + position * shape.head_dim;
  const double other = d < half ? -element(d + half) : element(d - half);
  return element(d) * double{angles[d % half]} + other * double{angles[half + d % half]};
}

// Tokens [first, end) of a batch.
struct Sequence {
  int64_t first;
  int64_t end;
};

// One query against the keys of its own sequence, in double.
std::vector<double> naive(const Matrix& qkv, int64_t query, const Sequence& sequence, int64_t head,
                          const AttentionShape& shape) {
  const auto& [first, end] = sequence;
  const int64_t column = head * shape.head_dim;
  const int64_t key_column = head / shape.heads_per_key() * shape.head_dim;
  std::vector<double> scores;
  double top = -1e300;
  for (int64_t t = first; t < end; ++t) {
    double score = 0;
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      score += turned(qkv, query, column, d, query - first, shape) *
               turned(qkv, t, shape.keys_at() + key_column, d, t - first, shape);
    }
    if (shape.distance_terms != nullptr) {
      const DistanceTerms& terms = *shape.distance_terms;
      const int64_t row = terms.row_of.at(static_cast<size_t>(terms.reach + t - query)) * terms.cols;
      for (int64_t d = 0; d < shape.head_dim; ++d) {
        const auto at = static_cast<ptrdiff_t>(row + column + d);
        if (terms.by_query) score += double{qkv.at(query, column + d)} * double{terms.by_query->data()[at]};
        if (terms.by_key) score += double{qkv.at(t, shape.keys_at() + column + d)} * double{terms.by_key->data()[at]};
      }
    }
    score *= double{shape.scale};
    if (shape.distance_bias != nullptr) {
      const int64_t row = head * (2 * shape.bias_reach + 1) + shape.bias_reach;
      score += double{shape.distance_bias->data()[row + t - query]};
    }
    if (shape.window > 0 && std::abs(t - query) > shape.window) score = -1e300;
    if (shape.causal && t > query) score = -1e300;
    scores.push_back(score);
    top = std::max(top, scores.back());
  }
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - top);
  std::vector<double> out(static_cast<size_t>(shape.head_dim));
  for (int64_t t = first; t < end; ++t) {
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      out[static_cast<size_t>(d)] +=
          scores[static_cast<size_t>(t - first)] / sum * double{qkv.at(t, shape.values_at() + key_column + d)};
    }
  }
  return out;
}

// All heads of a query, which is a token of the batch.
void expect_query_near_naive(const Matrix& out, const Matrix& qkv, int64_t query, const Sequence& sequence,
                             const AttentionShape& shape, double bound) {
  for (int64_t head = 0; head < shape.num_heads; ++head) {
    const std::vector<double> expected = naive(qkv, query, sequence, head, shape);
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      ASSERT_NEAR(out.at(query, head * shape.head_dim + d), expected[static_cast<size_t>(d)], bound)
          << "row " << query << ", token " << query - sequence.first << " of " << sequence.end - sequence.first
          << ", head " << head << " of " << shape.num_heads << ", dim " << d << " of " << shape.head_dim;
    }
  }
}

// Every query of the shorter sequences, some of the longer ones. `qkv` as it was before attention turned it.
void expect_near_naive(const Matrix& out, const Matrix& qkv, const std::vector<int64_t>& offsets,
                       const AttentionShape& shape, double bound) {
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const Sequence sequence = {offsets[s], offsets[s + 1]};
    const int64_t step = sequence.end - sequence.first > 65 ? 13 : 1;
    for (int64_t query = sequence.first; query < sequence.end; query += step) {
      ASSERT_NO_FATAL_FAILURE(expect_query_near_naive(out, qkv, query, sequence, shape, bound));
    }
  }
}

TEST_P(AttentionTest, LengthsAroundVectorsAndBlocksGiveWrongSums) {
  const int64_t lengths[] = {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 511, 512, 1000};
  for (const int64_t head_dim : {32, 64, 20, 3}) {
    const AttentionShape shape = {2, head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))};
    std::vector<int64_t> offsets = {0};
    for (const int64_t len : lengths) offsets.push_back(offsets.back() + len);
    Matrix qkv = Matrix::random(offsets.back(), 6 * head_dim, 5);
    const Matrix out = run(qkv, offsets, shape);
    ASSERT_NO_FATAL_FAILURE(expect_near_naive(out, qkv, offsets, shape, 2e-6));
  }
}

TEST_P(AttentionTest, BiasRotationOrWindowIsLostAtSomeLength) {
  const int64_t head_dim = 20;
  const int64_t reach = 599;
  AttentionShape bare = {2, head_dim, 0.22F};
  bare.bias_reach = reach;
  const Matrix numbers = Matrix::random(1, 2 * (2 * reach + 1), 7);
  const std::unique_ptr<Buffer> bias = upload({numbers.row(0), numbers.row(0) + numbers.cols()});
  std::vector<float> angles;
  for (int64_t t = 0; t <= reach; ++t) {
    for (int64_t i = 0; i < head_dim; ++i) {
      const double angle = static_cast<double>(t) / std::pow(10.0, static_cast<double>(i % (head_dim / 2)));
      angles.push_back(static_cast<float>(i < head_dim / 2 ? std::cos(angle) : std::sin(angle)));
    }
  }
  const std::unique_ptr<Buffer> rotation = upload(angles);
  std::vector<int64_t> offsets = {0};
  for (const int64_t len : {1, 2, 8, 9, 16, 17, 64, 65, 129, 600}) offsets.push_back(offsets.back() + len);
  const Matrix qkv = Matrix::random(offsets.back(), 6 * head_dim, 5);
  for (const int64_t window : {0, 1, 8, 64}) {
    for (const bool with_bias : {false, true}) {
      AttentionShape shape = bare;
      shape.window = window;
      if (with_bias) shape.distance_bias = bias.get();
      if (!with_bias || window == 8) shape.rotation = rotation.get();
      Matrix scratch = qkv;  // queries and keys are turned where they are
      const Matrix out = run(scratch, offsets, shape);
      ASSERT_NO_FATAL_FAILURE(expect_near_naive(out, qkv, offsets, shape, 4e-6))
          << "window " << window << ", bias " << with_bias;
    }
  }
}

TEST_P(AttentionTest, SharedKeysCausalityOrNormsOfHeadsAreLostAtSomeLength) {
  std::vector<int64_t> offsets = {0};
  for (const int64_t len : {1, 2, 17, 63, 64, 65, 130, 300}) offsets.push_back(offsets.back() + len);
  for (const auto& [head_dim, num_heads, num_kv_heads] : {std::tuple{20, 6, 2}, {32, 4, 1}, {66, 3, 3}}) {
    AttentionShape shape = {num_heads, head_dim, 0.2F};
    shape.num_kv_heads = num_kv_heads;
    const Matrix numbers = Matrix::random(3, 300 * head_dim, 9, 0.5F);
    const std::unique_ptr<Buffer> query_norm = upload({numbers.row(0), numbers.row(0) + head_dim});
    const std::unique_ptr<Buffer> key_norm = upload({numbers.row(1), numbers.row(1) + head_dim});
    const std::unique_ptr<Buffer> rotation = upload({numbers.row(2), numbers.row(2) + numbers.cols()});
    const std::unique_ptr<Buffer> bias = upload({numbers.row(0), numbers.row(0) + num_heads * 599});
    const Matrix qkv = Matrix::random(offsets.back(), (num_heads + 2 * num_kv_heads) * head_dim, 5);
    for (const auto& [causal, window, is_normed] :
         {std::tuple{false, 0, false}, {true, 0, false}, {true, 7, true}, {true, 100, true}, {false, 5, true}}) {
      shape.causal = causal;
      shape.window = window;
      shape.query_norm = is_normed ? query_norm.get() : nullptr;
      shape.key_norm = is_normed ? key_norm.get() : nullptr;
      shape.norm_eps = 1e-3F;
      shape.rotation = is_normed && window != 100 ? rotation.get() : nullptr;
      shape.distance_bias = is_normed ? nullptr : bias.get();
      shape.bias_reach = 299;
      Matrix scratch = qkv;  // queries and keys are normed and turned where they are
      const Matrix out = run(scratch, offsets, shape);
      ASSERT_NO_FATAL_FAILURE(expect_near_naive(out, qkv, offsets, shape, 1e-5))
          << num_kv_heads << " heads of keys, causal " << causal << ", window " << window << ", normed " << is_normed;
    }
  }
}

// Rows fall with the distance, and far distances share them.
TEST_P(AttentionTest, TermOfADistanceIsAnotherDistances) {
  const int64_t head_dim = 20;
  const int64_t reach = 599;
  const int64_t span = 90;
  DistanceTerms terms;
  terms.cols = 2 * head_dim;
  terms.reach = reach;
  for (int64_t d = -reach; d <= reach; ++d) {
    const int64_t shared = d < -60 ? -60 + (d + 60) / 24 : d > 60 ? 60 + (d - 60) / 24 : d;
    terms.row_of.push_back(static_cast<int32_t>(span - shared));
  }
  const auto rows = [&](uint32_t seed) {
    const Matrix m = Matrix::random(2 * span, terms.cols, seed);
    std::vector<float> values;
    for (int64_t r = 0; r < m.rows(); ++r) values.insert(values.end(), m.row(r), m.row(r) + m.cols());
    return upload(values);
  };
  AttentionShape shape = {2, head_dim, 0.13F};
  shape.distance_terms = &terms;
  std::vector<int64_t> offsets = {0};
  for (const int64_t len : {1, 2, 8, 9, 16, 17, 64, 65, 129, 600}) offsets.push_back(offsets.back() + len);
  Matrix qkv = Matrix::random(offsets.back(), 6 * head_dim, 5);
  for (const bool by_query : {true, false}) {
    for (const bool by_key : {true, false}) {
      terms.by_query = by_query ? rows(11) : nullptr;
      terms.by_key = by_key ? rows(12) : nullptr;
      const Matrix out = run(qkv, offsets, shape);
      ASSERT_NO_FATAL_FAILURE(expect_near_naive(out, qkv, offsets, shape, 4e-6))
          << "by query " << by_query << ", by key " << by_key;
    }
  }
}

TEST_P(AttentionTest, SequenceWithTermsOfDistancesChangesWithItsNeighbours) {
  DistanceTerms terms;
  terms.cols = 32;
  terms.reach = 69;
  for (int32_t d = -69; d <= 69; ++d) terms.row_of.push_back(69 + d);
  const Matrix numbers = Matrix::random(1, 139 * 32, 9);
  terms.by_query = upload({numbers.row(0), numbers.row(0) + numbers.cols()});
  terms.by_key = upload({numbers.row(0), numbers.row(0) + numbers.cols()});
  AttentionShape shape = {2, 16, 0.15F};
  shape.distance_terms = &terms;
  const std::vector<int64_t> offsets = {0, 33, 103};
  Matrix qkv = Matrix::random(103, 96, 3);
  const Matrix together = run(qkv, offsets, shape);
  Matrix alone(33, 32);
  const int64_t own[] = {0, 33};
  attend(qkv.rows_view(0, 33), own, shape, alone.view());
  for (int64_t t = 0; t < 33; ++t) ASSERT_TRUE(same_bits(together.row(t), alone.row(t), 32)) << "token " << t;
}

TEST_P(AttentionTest, LongerSequenceThanTheBiasReachesReadsBeyondIt) {
  const std::unique_ptr<Buffer> bias = upload({1, 2, 3});
  AttentionShape shape = {1, 4, 0.5F};
  shape.distance_bias = bias.get();
  shape.bias_reach = 1;
  Matrix qkv = Matrix::random(3, 12, 5);
  const std::vector<int64_t> offsets = {0, 3};
  EXPECT_THROW(run(qkv, offsets, shape), Error);
  DistanceTerms terms;
  terms.row_of = {0, 1, 2};
  terms.reach = 1;
  shape.distance_bias = nullptr;
  shape.distance_terms = &terms;
  EXPECT_THROW(run(qkv, offsets, shape), Error);
}

TEST_P(AttentionTest, SequenceChangesWithItsNeighbours) {
  const AttentionShape shape = {3, 32, 0.17F};
  const std::vector<int64_t> offsets = {0, 40, 41, 41, 170, 270};  // one of them empty
  Matrix qkv = Matrix::random(270, 9 * 32, 3);
  const Matrix together = run(qkv, offsets, shape);
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int64_t len = offsets[s + 1] - offsets[s];
    Matrix alone(len, 96);
    const int64_t own[] = {0, len};
    attend(qkv.rows_view(offsets[s], len), own, shape, alone.view());
    for (int64_t t = 0; t < len; ++t) {
      ASSERT_TRUE(same_bits(together.row(offsets[s] + t), alone.row(t), 96)) << "sequence " << s << ", token " << t;
    }
  }
}

TEST_P(AttentionTest, NanReachesAnotherSequence) {
  const AttentionShape shape = {2, 16, 0.25F};
  const std::vector<int64_t> offsets = {0, 20, 45};
  Matrix clean = Matrix::random(45, 96, 1);
  Matrix dirty = clean;
  dirty.at(30, 40) = kNan;  // a key
  const Matrix expected = run(clean, offsets, shape);
  const Matrix out = run(dirty, offsets, shape);
  for (int64_t t = 0; t < 20; ++t) EXPECT_TRUE(same_bits(out.row(t), expected.row(t), 32));
  for (int64_t t = 20; t < 45; ++t) EXPECT_TRUE(std::isnan(out.at(t, 8)) || std::isnan(out.at(t, 24))) << t;
}

TEST_P(AttentionTest, HugeScoresOverflow) {
  const AttentionShape shape = {1, 16, 1.0F};
  Matrix qkv = Matrix::random(33, 48, 1);
  for (int64_t t = 0; t < 33; ++t) {
    for (int64_t d = 0; d < 32; ++d) qkv.at(t, d) *= 3000.0F;
  }
  const std::vector<int64_t> offsets = {0, 33};
  const Matrix out = run(qkv, offsets, shape);
  expect_near_naive(out, qkv, offsets, shape, 1e-5);  // the softmax picks one token
}

TEST_P(AttentionTest, EqualTokensGiveAnotherValueThanTheirs) {
  const AttentionShape shape = {1, 32, 0.2F};
  Matrix qkv(77, 96);
  for (int64_t t = 0; t < 77; ++t) {
    for (int64_t d = 64; d < 96; ++d) qkv.at(t, d) = static_cast<float>(d);
  }
  const std::vector<int64_t> offsets = {0, 77};
  const Matrix out = run(qkv, offsets, shape);
  for (int64_t d = 0; d < 32; ++d) EXPECT_NEAR(out.at(76, d), 64.0F + static_cast<float>(d), 1e-4);
}

TEST_P(AttentionTest, LongSequenceNeedsMemoryOfItsSquare) {
  const int64_t len = 9000;
  const AttentionShape shape = {1, 16, 0.25F};
  Matrix qkv = Matrix::random(len, 48, 2);
  const std::vector<int64_t> offsets = {0, len};
  const Matrix out = run(qkv, offsets, shape);
  for (const int64_t t : {int64_t{0}, int64_t{4567}, len - 1}) {
    expect_query_near_naive(out, qkv, t, {0, len}, shape, 2e-6);
  }
}

EMB_FOR_EVERY_ISA(AttentionTest);

}  // namespace
}  // namespace emberline
