// SPDX-License-Identifier: Apache-2.0
#pragma once
// Norms and rotary positions of heads that are bf16 already. For kernels files that are compiled with AVX512_BF16.
#include "backend/cpu/bf16_avx512.h"
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/row_passes.h"

namespace emberline::cpu {
namespace {

inline Vec widened(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
inline Vec load_bf16(const uint16_t* p, AllLanes) {
  return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Vec load_bf16(const uint16_t* p, Mask lanes) {
  return widened(_mm256_maskz_loadu_epi16(lanes, p));
}
inline void store_bf16(uint16_t* p, Vec v, AllLanes) {
  store_bf16(p, v);
}
inline void store_bf16(uint16_t* p, Vec v, Mask lanes) {
  _mm256_mask_storeu_epi16(p, lanes, (__m256i)_mm512_cvtneps_pbh(v));
}

// One head of one token; scaled(i, number, lanes) is what is turned in the place of element i.
template <typename Scaled>
inline void rotate_head(uint16_t* x, const float* cosines, int64_t half, Scaled scaled) {
  for_vectors(half, [&](int64_t i, int, auto lanes) {
    const Vec first = scaled(i, load_bf16(x + i, lanes), lanes);
    const Vec second = scaled(half + i, load_bf16(x + half + i, lanes), lanes);
    const Vec cosine = load(cosines + i, lanes);
    const Vec sine = load(cosines + half + i, lanes);
    store_bf16(x + i, multiply_add(first, cosine, splat(0.0F) - second * sine), lanes);
    store_bf16(x + half + i, multiply_add(first, sine, second * cosine), lanes);
  });
}

void rotate_bf16(Bf16View heads, const float* table, int64_t head_dim) {
  for (int64_t r = 0; r < heads.rows; ++r) {
    for (int64_t column = 0; column < heads.cols; column += head_dim) {
      rotate_head(heads.data + r * heads.row_stride + column, table + r * head_dim, head_dim / 2,
                  [](int64_t, Vec v, auto) { return v; });
    }
  }
}

void norm_heads_bf16(Bf16View heads, const float* gain, float eps, const float* table, int64_t head_dim) {
  for (int64_t r = 0; r < heads.rows; ++r) {
    for (int64_t column = 0; column < heads.cols; column += head_dim) {
      uint16_t* x = heads.data + r * heads.row_stride + column;
      Chains squares = chains_of(0.0F);
      for_vectors(head_dim, [&](int64_t i, int chain, auto lanes) {
        const Vec v = load_bf16(x + i, lanes);
        squares.part[chain] = multiply_add(v, v, squares.part[chain]);
      });
      const Vec inverse = splat(1.0F / __builtin_sqrtf(sum_of(squares) / static_cast<float>(head_dim) + eps));
      const auto normed = [&](int64_t i, Vec v, auto lanes) { return v * inverse * load(gain + i, lanes); };
      if (table != nullptr) {
        rotate_head(x, table + r * head_dim, head_dim / 2, normed);
      } else {
        for_vectors(head_dim, [&](int64_t i, int, auto lanes) {
          store_bf16(x + i, normed(i, load_bf16(x + i, lanes), lanes), lanes);
        });
      }
    }
  }
}

}  // namespace
}  // namespace emberline::cpu
