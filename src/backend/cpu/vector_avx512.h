// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vectors of AVX-512 (F, BW, DQ, VL): 16 lanes, 32 registers. For kernels_<isa>.cc only.
#include <immintrin.h>
#include <stdint.h>

namespace emberline::cpu {
namespace {

using Vec = __m512;
using Mask = __mmask16;

constexpr int kLanes = 16;

inline Mask first_lanes(int64_t count) {
  return static_cast<Mask>((1U << count) - 1U);
}

inline Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline Vec load(const float* p, Mask mask) {
  return _mm512_maskz_loadu_ps(mask, p);
}
inline Vec load_or(const float* p, Mask mask, float other) {
  return _mm512_mask_loadu_ps(_mm512_set1_ps(other), mask, p);
}
inline void store(float* p, Vec v) {
  _mm512_storeu_ps(p, v);
}
inline void store(float* p, Vec v, Mask mask) {
  _mm512_mask_storeu_ps(p, mask, v);
}
inline Vec keep(Vec v, Mask mask) {
  return _mm512_maskz_mov_ps(mask, v);
}
inline Vec splat(float x) {
  return _mm512_set1_ps(x);
}

inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
// Where either is NaN: the second.
inline Vec minimum(Vec a, Vec b) {
  return _mm512_min_ps(a, b);
}
inline Vec maximum(Vec a, Vec b) {
  return _mm512_max_ps(a, b);
}
inline Vec absolute(Vec v) {
  return _mm512_abs_ps(v);
}
inline Vec with_sign_of(Vec sign, Vec magnitude) {
  const Vec bit = _mm512_set1_ps(-0.0F);
  return _mm512_or_ps(_mm512_and_ps(bit, sign), magnitude);
}
inline Vec round_to_even(Vec v) {
  return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline Vec scale_by_power_of_two(Vec v, Vec n) {
  return _mm512_scalef_ps(v, n);
}
// a < b ? x : y; y where either is NaN.
inline Vec choose_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
// x where a is a number, y where it is NaN.
inline Vec choose_number(Vec a, Vec x, Vec y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), y, x);
}

inline __m128 lower_half(__m256 v) {
  return _mm256_castps256_ps128(v);
}
inline __m128 upper_half(__m256 v) {
  return _mm256_extractf128_ps(v, 1);
}

inline float sum_lanes(Vec v) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 quarter = _mm_add_ps(lower_half(half), upper_half(half));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

inline float largest_lane(Vec v) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 quarter = _mm_max_ps(lower_half(half), upper_half(half));
  quarter = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_movehdup_ps(quarter)));
}

inline __m512 low_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}
inline __m512 high_pairs(__m512 a, __m512 b) {
  return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

// Rows become columns, in place.
inline void transpose(Vec (&rows)[kLanes]) {
  Vec fours[kLanes];  // fours[4 j + c], 128-bit part l: column 4 l + c of rows 4 j .. 4 j + 3
  for (int j = 0; j < kLanes; j += 4) {
    const Vec low01 = _mm512_unpacklo_ps(rows[j], rows[j + 1]);
    const Vec high01 = _mm512_unpackhi_ps(rows[j], rows[j + 1]);
    const Vec low23 = _mm512_unpacklo_ps(rows[j + 2], rows[j + 3]);
    const Vec high23 = _mm512_unpackhi_ps(rows[j + 2], rows[j + 3]);
    fours[j] = low_pairs(low01, low23);
    fours[j + 1] = high_pairs(low01, low23);
    fours[j + 2] = low_pairs(high01, high23);
    fours[j + 3] = high_pairs(high01, high23);
  }
  for (int c = 0; c < 4; ++c) {
    const Vec even_top = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0x88);
    const Vec odd_top = _mm512_shuffle_f32x4(fours[c], fours[4 + c], 0xdd);
    const Vec even_end = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0x88);
    const Vec odd_end = _mm512_shuffle_f32x4(fours[8 + c], fours[12 + c], 0xdd);
    rows[c] = _mm512_shuffle_f32x4(even_top, even_end, 0x88);
    rows[4 + c] = _mm512_shuffle_f32x4(odd_top, odd_end, 0x88);
    rows[8 + c] = _mm512_shuffle_f32x4(even_top, even_end, 0xdd);
    rows[12 + c] = _mm512_shuffle_f32x4(odd_top, odd_end, 0xdd);
  }
}

// The larger of top and |v| as bit patterns, so that NaN is larger than any number and stays; top has no sign.
inline Vec larger_magnitude(Vec top, Vec v) {
  return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(top), _mm512_castps_si512(absolute(v))));
}
// The same over lanes without signs.
inline float largest_magnitude(Vec v) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(_mm512_castps_si512(v)))));
}

// Lanes in [-127, 127], rounded to even; NaN becomes any number.
inline void store_int8(int8_t* p, Vec v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v)));
}
// The same for four vectors in a row.
inline void store_int8(int8_t* p, Vec a, Vec b, Vec c, Vec d) {
  const __m512i ab = _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
  const __m512i cd = _mm512_packs_epi32(_mm512_cvtps_epi32(c), _mm512_cvtps_epi32(d));
  // 128-bit part l holds numbers 4 l .. 4 l + 3 of each vector.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd)));
}

}  // namespace
}  // namespace emberline::cpu
