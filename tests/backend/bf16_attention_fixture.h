// SPDX-License-Identifier: Apache-2.0
#pragma once
// Attention in bf16 beside a naive twin of one query in double.
#include <random>

#include "backend/backend.h"
#include "backend/cpu/distance_tiles.h"
#include "backend/low_fixture.h"

namespace emberline {

struct HeadsShape {
  int64_t num_heads;
  int64_t head_dim;
  float scale;
  int64_t heads_per_key = 1;
  bool causal = false;
  int64_t window = 0;
  std::vector<float> biases = {};  // [num_heads, 2 * reach + 1]
  int64_t reach = 0;
  const DistanceTerms* terms = nullptr;  // with their rows, of numbers that bf16 has
  const cpu::DistanceTiles* tiles = nullptr;

  int64_t hidden() const { return num_heads * head_dim; }
  int64_t key_cols() const { return hidden() / heads_per_key; }
  int64_t cols() const { return hidden() + 2 * key_cols(); }
};

inline HeadsShape usual(int64_t num_heads, int64_t head_dim) {
  return {num_heads, head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))};
}

// Rows of q, k and v, as bf16.
inline OperandRows random_rows(int64_t rows, const HeadsShape& shape, uint32_t seed, float spread = 1.0F) {
  OperandRows out(cpu::Precision::kBf16, rows, shape.cols());
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  for (int64_t r = 0; r < rows; ++r) {
    std::memset(out.row(r), 0, static_cast<size_t>(out.row_bytes()));
    for (int64_t c = 0; c < shape.cols(); ++c) set_bf16(out, r, c, normal(generator));
  }
  return out;
}

inline cpu::HeadsView sequence(OperandRows& rows, int64_t first, int64_t len, const HeadsShape& shape) {
  return {.data = reinterpret_cast<uint16_t*>(rows.row(first)),
          .rows = len,
          .row_stride = rows.view().row_stride,
          .num_heads = shape.num_heads,
          .head_dim = shape.head_dim,
          .keys_at = shape.hidden(),
          .values_at = shape.hidden() + shape.key_cols(),
          .heads_per_key = shape.heads_per_key,
          .causal = shape.causal,
          .window = shape.window,
          .bias = shape.biases.empty() ? nullptr : shape.biases.data() + shape.reach,
          .bias_stride = 2 * shape.reach + 1,
          .terms = shape.tiles != nullptr ? shape.tiles->view(0) : cpu::TermsView()};
}

// One query of a sequence, in double: what attention gives, and how far the values lie from it, weighed.
struct AttentionTwin {
  std::vector<double> out;     // [head_dim]
  std::vector<double> spread;  // [head_dim]: sum of weight * |value - out|
};

inline AttentionTwin twin_of(const OperandRows& rows, int64_t first, int64_t len, int64_t query, int64_t head,
                             const HeadsShape& shape) {
  const int64_t column = head * shape.head_dim;
  const int64_t key_column = head / shape.heads_per_key * shape.head_dim;
  if (shape.causal) len = query + 1;
  std::vector<double> weights;
  double top = -1e300;
  for (int64_t t = first; t < first + len; ++t) {
    double score = 0;
    for (int64_t d = 0; d < shape.head_dim; ++d) {
      score += rows.at(first + query, column + d) * rows.at(t, shape.hidden() + key_column + d);
    }
    const int64_t distance = t - first - query;
    if (shape.terms != nullptr) {
      const DistanceTerms& terms = *shape.terms;
      const int64_t row = terms.row_of.at(static_cast<size_t>(terms.reach + distance)) * terms.cols + column;
      for (int64_t d = 0; d < shape.head_dim; ++d) {
        if (terms.by_query) score += rows.at(first + query, column + d) * double{terms.by_query->data()[row + d]};
        if (terms.by_key) score += rows.at(t, shape.hidden() + column + d) * double{terms.by_key->data()[row + d]};
      }
    }
    score *= double{shape.scale};
    if (!shape.biases.empty()) {
      score += double{shape.biases[static_cast<size_t>(head * (2 * shape.reach + 1) + shape.reach + distance)]};
    }
    if (shape.window > 0 && std::abs(distance) > shape.window) score = -std::numeric_limits<double>::infinity();
    weights.push_back(score);
    top = std::max(top, weights.back());
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - top);
  AttentionTwin twin = {std::vector<double>(static_cast<size_t>(shape.head_dim)),
                        std::vector<double>(static_cast<size_t>(shape.head_dim))};
  for (int64_t d = 0; d < shape.head_dim; ++d) {
    const auto value = [&](int64_t t) {
      return rows.at(first + t, shape.hidden() + shape.key_cols() + key_column + d);
    };
    double& out = twin.out[static_cast<size_t>(d)];
    for (int64_t t = 0; t < len; ++t) out += weights[static_cast<size_t>(t)] / sum * value(t);
    for (int64_t t = 0; t < len; ++t) {
      twin.spread[static_cast<size_t>(d)] += weights[static_cast<size_t>(t)] / sum * std::abs(value(t) - out);
    }
  }
  return twin;
}

class Bf16AttentionTest : public LowKernelsTest {
 protected:
  Matrix attend(OperandRows& rows, int64_t first, int64_t len, const HeadsShape& shape) const {
    Matrix out(len, shape.hidden());
    AlignedBytes scratch(kernels_->attention_scratch_bytes(len, shape.head_dim) + 64);
    kernels_->attention(sequence(rows, first, len, shape), shape.scale, out.view(), scratch.data());
    EXPECT_TRUE(out.walls_stand());
    const char* end = scratch.data() + kernels_->attention_scratch_bytes(len, shape.head_dim);
    EXPECT_TRUE(
        std::all_of(end, end + 64, [](char b) { return static_cast<unsigned char>(b) == AlignedBytes::kWall; }));
    return out;
  }

  // A weight in bf16 is off by 0.7 % at most, beside what is common to all of a row and leaves with their sum; so a
  // mean of values is off by that share of their distance from it. Scores are sums in f32 of up to 128 products.
  void expect_near_twin(OperandRows& rows, int64_t len, const HeadsShape& shape, int64_t step) const {
    const Matrix out = attend(rows, 0, len, shape);
    for (int64_t query = 0; query < len; query += step) {
      for (int64_t head = 0; head < shape.num_heads; ++head) {
        const AttentionTwin twin = twin_of(rows, 0, len, query, head, shape);
        for (int64_t d = 0; d < shape.head_dim; ++d) {
          const double bound = 0.008 * twin.spread[static_cast<size_t>(d)] + 4e-6;
          ASSERT_NEAR(out.at(query, head * shape.head_dim + d), twin.out[static_cast<size_t>(d)], bound)
              << "length " << len << ", query " << query << ", head " << head << " of " << shape.head_dim << ", dim "
              << d;
        }
      }
    }
  }
};

}  // namespace emberline
