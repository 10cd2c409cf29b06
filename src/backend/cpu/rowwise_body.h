// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operations that work row by row. Included by a kernels_<isa>.cc after its vector_<isa>.h.
#include "backend/cpu/kernels.h"
#include "backend/cpu/row_passes.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

// NaN wins, as in the reference; the plain maximum forgets it.
inline Vec maximum_with_nan(Vec a, Vec b) {
  return choose_number(a, choose_less(b, a, a, b), a);
}

// Weights below e^-60 of the largest change no f32 sum, but times a value they would be denormal numbers, which cost a
// processor a hundred others.
constexpr float kLeastExponent = -60.0F;

// N rows side by side, each by itself: the reductions of one run while another is raised.
template <int N>
inline void softmax_rows(float* rows, int64_t stride, int64_t cols, Vec factor, float* inverse_sums) {
  Chains largest[N];
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) largest[n] = chains_of(-__builtin_inff());
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      const Vec v = load_or(rows + n * stride + i, lanes, -__builtin_inff());
      largest[n].part[chain] = maximum(largest[n].part[chain], v * factor);
    }
  });
  Vec top[N];
  Chains sum[N];
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) {
    top[n] = splat(-largest_of(largest[n]));
    sum[n] = chains_of(0.0F);
  }
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      float* at = rows + n * stride + i;
      const Vec e = exponential(multiply_add(load(at, lanes), factor, top[n]), kLeastExponent);
      store(at, e, lanes);
      sum[n].part[chain] = sum[n].part[chain] + keep(e, lanes);
    }
  });
#pragma GCC unroll 4
  for (int n = 0; n < N; ++n) inverse_sums[n] = 1.0F / sum_of(sum[n]);
}

void softmax(MatrixView scores, float scale, float* inverse_sums) {
  constexpr int kTogether = 4;
  const Vec factor = splat(scale);
  int64_t r = 0;
  for (; r + kTogether <= scores.rows; r += kTogether) {
    softmax_rows<kTogether>(scores.data + r * scores.row_stride, scores.row_stride, scores.cols, factor,
                            inverse_sums + r);
  }
  for (; r < scores.rows; ++r) {
    softmax_rows<1>(scores.data + r * scores.row_stride, scores.row_stride, scores.cols, factor, inverse_sums + r);
  }
}

void scale_rows(MatrixView x, const float* factors) {
  for (int64_t r = 0; r < x.rows; ++r) {
    float* row = x.data + r * x.row_stride;
    const Vec factor = splat(factors[r]);
    for_vectors(x.cols, [&](int64_t i, int, auto lanes) { store(row + i, load(row + i, lanes) * factor, lanes); });
  }
}

void embed_token(const EmbeddingView& tables, int64_t id, int64_t position, int64_t type, float* out) {
  const float* word = tables.words + id * tables.hidden;
  const float* place = tables.positions != nullptr ? tables.positions + position * tables.hidden : nullptr;
  const float* kind = tables.types != nullptr ? tables.types + type * tables.hidden : nullptr;
  const Vec scale = splat(tables.word_scale);
  for_vectors(tables.hidden, [&](int64_t i, int, auto lanes) {
    Vec sum = load(word + i, lanes) * scale;
    if (kind != nullptr) sum = sum + load(kind + i, lanes);
    if (place != nullptr) sum = sum + load(place + i, lanes);
    store(out + i, sum, lanes);
  });
}

void norm(MatrixView x, MatrixView residual, const NormView& weights, MatrixView out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* other = residual.data != nullptr ? residual.data + r * residual.row_stride : nullptr;
    norm_row(x.data + r * x.row_stride, other, x.cols, weights, out.data + r * out.row_stride,
             [](int64_t, int, Vec, auto) {});
  }
}

void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) {
  const bool divide = op == LayerOp::kMean && step == num_layers - 1;
  const Vec divisor = splat(static_cast<float>(num_layers));
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* row = x.data + r * x.row_stride;
    float* to = total.data + r * total.row_stride;
    if (op == LayerOp::kConcat) to += step * x.cols;
    for_vectors(x.cols, [&](int64_t i, int, auto lanes) {
      Vec v = load(row + i, lanes);
      if (step > 0 && op == LayerOp::kMax) v = maximum_with_nan(load(to + i, lanes), v);
      if (step > 0 && (op == LayerOp::kMean || op == LayerOp::kSum)) v = load(to + i, lanes) + v;
      if (divide) v = v / divisor;
      store(to + i, v, lanes);
    });
  }
}

// Sum over tokens [first, end) of weight(t) * token t, at columns i..: in groups of 64, so that the rounding error
// grows with the number of groups and not of tokens.
template <typename Lanes, typename Weight>
inline Vec sum_tokens(MatrixView tokens, int64_t first, int64_t i, Lanes lanes, Weight weight) {
  Vec total = splat(0.0F);
  for (int64_t group = first; group < tokens.rows; group += 64) {
    const int64_t end = group + 64 < tokens.rows ? group + 64 : tokens.rows;
    Vec part = splat(0.0F);
    for (int64_t t = group; t < end; ++t) {
      part = multiply_add(splat(weight(t)), load(tokens.data + t * tokens.row_stride + i, lanes), part);
    }
    total = total + part;
  }
  return total;
}

inline void copy_token(MatrixView tokens, int64_t t, float* out) {
  for_vectors(tokens.cols, [&](int64_t i, int, auto lanes) {
    store(out + i, load(tokens.data + t * tokens.row_stride + i, lanes), lanes);
  });
}

// Where no token counts, sums are zero, the maximum is -inf, and the first token still stands for the sequence: what
// the reference gives.
void pool(MatrixView tokens, Pooling pooling, int64_t skip, float* out) {
  const int64_t count = tokens.rows > skip ? tokens.rows - skip : 0;
  if (pooling == Pooling::kCls && tokens.rows > 0) return copy_token(tokens, count > 0 ? skip : 0, out);
  if (pooling == Pooling::kLast && count > 0) return copy_token(tokens, tokens.rows - 1, out);
  if (pooling == Pooling::kMax) {
    for_vectors(tokens.cols, [&](int64_t i, int, auto lanes) {
      Vec top = splat(-__builtin_inff());
      for (int64_t t = skip; t < tokens.rows; ++t) {
        top = maximum_with_nan(top, load(tokens.data + t * tokens.row_stride + i, lanes));
      }
      store(out + i, top, lanes);
    });
    return;
  }
  const bool by_position = pooling == Pooling::kWeightedMean;
  float divisor = static_cast<float>(count);
  if (by_position) divisor = 0.5F * static_cast<float>(count * (skip + 1 + tokens.rows));
  if (!(divisor > 1e-9F)) divisor = 1e-9F;
  if (pooling == Pooling::kMeanSqrtLen) divisor = __builtin_sqrtf(divisor);
  for_vectors(tokens.cols, [&](int64_t i, int, auto lanes) {
    const Vec sum =
        sum_tokens(tokens, skip, i, lanes, [&](int64_t t) { return by_position ? static_cast<float>(t + 1) : 1.0F; });
    store(out + i, sum / splat(divisor), lanes);
  });
}

void normalize(MatrixView x) {
  for (int64_t r = 0; r < x.rows; ++r) {
    float* row = x.data + r * x.row_stride;
    Chains squares = chains_of(0.0F);
    for_vectors(x.cols, [&](int64_t i, int chain, auto lanes) {
      const Vec v = load(row + i, lanes);
      squares.part[chain] = multiply_add(v, v, squares.part[chain]);
    });
    const float length = __builtin_sqrtf(sum_of(squares));
    const Vec divisor = splat(length < 1e-12F ? 1e-12F : length);
    for_vectors(x.cols, [&](int64_t i, int, auto lanes) { store(row + i, load(row + i, lanes) / divisor, lanes); });
  }
}

void bias_scores(MatrixView scores, float scale, const float* bias) {
  const Vec factor = splat(scale);
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* row = scores.data + r * scores.row_stride;
    const float* added = bias - r;
    for_vectors(scores.cols, [&](int64_t i, int, auto lanes) {
      store(row + i, multiply_add(load(row + i, lanes), factor, load(added + i, lanes)), lanes);
    });
  }
}

void distance_scores(MatrixView scores, float scale, const DistanceView& terms) {
  for (int64_t r = 0; r < scores.rows; ++r) {
    float* row = scores.data + r * scores.row_stride;
    const int32_t* row_of = terms.row_of - r;
    const float* of_query =
        terms.by_query.data != nullptr ? terms.by_query.data + r * terms.by_query.row_stride : nullptr;
    for (int64_t c = 0; c < scores.cols; ++c) {
      const int64_t i = row_of[c] - terms.first_row;
      float sum = row[c];
      if (of_query != nullptr) sum += of_query[i];
      if (terms.by_key.data != nullptr) sum += terms.by_key.data[c * terms.by_key.row_stride + i];
      row[c] = sum * scale;
    }
  }
}

void rotate(MatrixView heads, const float* table, int64_t head_dim) {
  const int64_t half = head_dim / 2;
  for (int64_t r = 0; r < heads.rows; ++r) {
    const float* cosines = table + r * head_dim;
    for (int64_t column = 0; column < heads.cols; column += head_dim) {
      float* x = heads.data + r * heads.row_stride + column;
      for_vectors(half, [&](int64_t i, int, auto lanes) {
        const Vec first = load(x + i, lanes);
        const Vec second = load(x + half + i, lanes);
        const Vec cosine = load(cosines + i, lanes);
        const Vec sine = load(cosines + half + i, lanes);
        store(x + i, multiply_add(first, cosine, splat(0.0F) - second * sine), lanes);
        store(x + half + i, multiply_add(first, sine, second * cosine), lanes);
      });
    }
  }
}

void norm_heads(MatrixView heads, const float* gain, float eps, int64_t head_dim) {
  const NormView weights = {gain, nullptr, eps, true};
  for (int64_t r = 0; r < heads.rows; ++r) {
    for (int64_t column = 0; column < heads.cols; column += head_dim) {
      float* x = heads.data + r * heads.row_stride + column;
      rms_norm_row(x, nullptr, head_dim, weights, x, [](int64_t, int, Vec, auto) {});
    }
  }
}

void gate(MatrixView x, Activation activation) {
  const int64_t half = x.cols / 2;
  for (int64_t r = 0; r < x.rows; ++r) {
    float* row = x.data + r * x.row_stride;
    activate({row, 1, half, x.row_stride}, activation);
    for_vectors(half, [&](int64_t i, int, auto lanes) {
      store(row + i, load(row + i, lanes) * load(row + half + i, lanes), lanes);
    });
  }
}

}  // namespace
}  // namespace emberline::cpu
