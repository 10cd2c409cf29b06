// SPDX-License-Identifier: Apache-2.0
#pragma once
// Passes over one row, vector by vector. Included after a vector_<isa>.h.
#include "backend/cpu/kernels.h"
#include "backend/cpu/operand.h"

namespace emberline::cpu {
namespace {

struct AllLanes {};
inline Vec load(const float* p, AllLanes) {
  return load(p);
}
inline void store(float* p, Vec v, AllLanes) {
  store(p, v);
}
inline Vec keep(Vec v, AllLanes) {
  return v;
}
inline Vec load_or(const float* p, AllLanes, float) {
  return load(p);
}

// Calls body(column, chain, lanes) for each vector of a row; `chain` counts 0..3 so that sums run in four independent
// chains. The last, partial vector comes with a mask.
template <typename Body>
inline void for_vectors(int64_t cols, Body body) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= cols; i += 4 * kLanes) {
    body(i, 0, AllLanes{});
    body(i + kLanes, 1, AllLanes{});
    body(i + 2 * kLanes, 2, AllLanes{});
    body(i + 3 * kLanes, 3, AllLanes{});
  }
  for (; i + kLanes <= cols; i += kLanes) body(i, 0, AllLanes{});
  if (i < cols) body(i, 1, first_lanes(cols - i));
}

struct Chains {
  Vec part[4];
};

inline Chains chains_of(float value) {
  return {{splat(value), splat(value), splat(value), splat(value)}};
}
inline float sum_of(const Chains& c) {
  return sum_lanes((c.part[0] + c.part[1]) + (c.part[2] + c.part[3]));
}
inline float largest_of(const Chains& c) {
  return largest_lane(maximum(maximum(c.part[0], c.part[1]), maximum(c.part[2], c.part[3])));
}

// RMS norm of one row; see norm_row.
template <typename Use>
inline void rms_norm_row(const float* row, const float* other, int64_t cols, const NormView& weights, float* to,
                         Use use) {
  Chains squares = chains_of(0.0F);
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
    Vec v = load(row + i, lanes);
    if (other != nullptr) v = v + load(other + i, lanes);
    store(to + i, v, lanes);
    squares.part[chain] = multiply_add(v, v, squares.part[chain]);
  });
  const Vec inverse = splat(1.0F / __builtin_sqrtf(sum_of(squares) / static_cast<float>(cols) + weights.eps));
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
    const Vec v = load(to + i, lanes) * inverse * load(weights.gain + i, lanes);
    store(to + i, v, lanes);
    use(i, chain, v, lanes);
  });
}

// Layer norm of one row, written to `to` and handed on: use(column, chain, numbers, lanes) for each vector.
template <typename Use>
inline void norm_row(const float* row, const float* other, int64_t cols, const NormView& weights, float* to, Use use) {
  if (weights.is_rms) return rms_norm_row(row, other, cols, weights, to, use);
  const float count = static_cast<float>(cols);
  Chains sum = chains_of(0.0F);
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
    Vec v = load(row + i, lanes);
    if (other != nullptr) v = v + load(other + i, lanes);
    store(to + i, v, lanes);
    sum.part[chain] = sum.part[chain] + v;
  });
  const Vec mean = splat(sum_of(sum) / count);
  Chains squares = chains_of(0.0F);
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
    const Vec d = keep(load(to + i, lanes) - mean, lanes);
    squares.part[chain] = multiply_add(d, d, squares.part[chain]);
  });
  const Vec inverse = splat(1.0F / __builtin_sqrtf(sum_of(squares) / count + weights.eps));
  for_vectors(cols, [&](int64_t i, int chain, auto lanes) {
    const Vec d = (load(to + i, lanes) - mean) * inverse;
    const Vec v = multiply_add(d, load(weights.gain + i, lanes), load(weights.bias + i, lanes));
    store(to + i, v, lanes);
    use(i, chain, v, lanes);
  });
}

// v, times its factors where there are any.
template <typename Lanes>
inline Vec times(Vec v, const float* factors, int64_t i, Lanes lanes) {
  return factors != nullptr ? v * load(factors + i, lanes) : v;
}

// Zeros behind the last element of an operand's row.
template <typename Element>
inline void clear_tail(Element* row, const OperandView& operand) {
  for (int64_t i = operand.cols; i < operand.row_stride; ++i) row[i] = 0;
}

}  // namespace
}  // namespace emberline::cpu
