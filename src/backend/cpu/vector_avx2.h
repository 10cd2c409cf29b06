// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vectors of AVX2 with FMA: 8 lanes, 16 registers. For kernels_<isa>.cc only.
#include <immintrin.h>
#include <stdint.h>

namespace emberline::cpu {
namespace {

using Vec = __m256;
using Mask = __m256i;

constexpr int kLanes = 8;

inline Mask first_lanes(int64_t count) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), index);
}

inline Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline Vec load(const float* p, Mask mask) {
  return _mm256_maskload_ps(p, mask);
}
inline Vec load_or(const float* p, Mask mask, float other) {
  return _mm256_blendv_ps(_mm256_set1_ps(other), _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
inline void store(float* p, Vec v) {
  _mm256_storeu_ps(p, v);
}
inline void store(float* p, Vec v, Mask mask) {
  _mm256_maskstore_ps(p, mask, v);
}
inline Vec keep(Vec v, Mask mask) {
  return _mm256_and_ps(v, _mm256_castsi256_ps(mask));
}
inline Vec splat(float x) {
  return _mm256_set1_ps(x);
}

inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
// Where either is NaN: the second.
inline Vec minimum(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
inline Vec maximum(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
inline Vec absolute(Vec v) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), v);
}
inline Vec with_sign_of(Vec sign, Vec magnitude) {
  return _mm256_or_ps(_mm256_and_ps(_mm256_set1_ps(-0.0F), sign), magnitude);
}
inline Vec round_to_even(Vec v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// v * 2^n for whole n in [-126, 127].
inline Vec scale_by_power_of_two(Vec v, Vec n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return v * _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
// a < b ? x : y; y where either is NaN.
inline Vec choose_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
// x where a is a number, y where it is NaN.
inline Vec choose_number(Vec a, Vec x, Vec y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, a, _CMP_ORD_Q));
}

inline float sum_lanes(Vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

inline float largest_lane(Vec v) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

// Rows become columns, in place.
inline void transpose(Vec (&rows)[kLanes]) {
  Vec fours[kLanes];  // fours[4 j + c], 128-bit part l: column 4 l + c of rows 4 j .. 4 j + 3
  for (int j = 0; j < kLanes; j += 4) {
    const Vec low01 = _mm256_unpacklo_ps(rows[j], rows[j + 1]);
    const Vec high01 = _mm256_unpackhi_ps(rows[j], rows[j + 1]);
    const Vec low23 = _mm256_unpacklo_ps(rows[j + 2], rows[j + 3]);
    const Vec high23 = _mm256_unpackhi_ps(rows[j + 2], rows[j + 3]);
    fours[j] = _mm256_shuffle_ps(low01, low23, 0x44);
    fours[j + 1] = _mm256_shuffle_ps(low01, low23, 0xee);
    fours[j + 2] = _mm256_shuffle_ps(high01, high23, 0x44);
    fours[j + 3] = _mm256_shuffle_ps(high01, high23, 0xee);
  }
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(fours[c], fours[4 + c], 0x31);
  }
}

// The larger of top and |v| as bit patterns, so that NaN is larger than any number and stays; top has no sign.
inline Vec larger_magnitude(Vec top, Vec v) {
  return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(top), _mm256_castps_si256(absolute(v))));
}
// The same over lanes without signs.
inline float largest_magnitude(Vec v) {
  const __m256i bits = _mm256_castps_si256(v);
  __m128i half = _mm_max_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
  return _mm_cvtss_f32(_mm_castsi128_ps(half));
}

// Lanes in [-127, 127], rounded to even; NaN becomes any number.
inline void store_int8(int8_t* p, Vec v) {
  const __m256i whole = _mm256_cvtps_epi32(v);
  const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(half, half));
}
// The same for four vectors in a row.
inline void store_int8(int8_t* p, Vec a, Vec b, Vec c, Vec d) {
  const __m256i ab = _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
  const __m256i cd = _mm256_packs_epi32(_mm256_cvtps_epi32(c), _mm256_cvtps_epi32(d));
  // 128-bit part l holds numbers 4 l .. 4 l + 3 of each vector.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), bytes);
}

}  // namespace
}  // namespace emberline::cpu
