// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of a block of up to 16 queries whose scores lie in tiles of 16 queries by 16 keys: the largest scores, and
// the weights in bf16. Weights are not divided by their sum here. Whoever sums them sums what the products see, rounded
// weights: then rounding moves a mean of values and never its size.
// For kernels files that are compiled with AVX512_VBMI; free of the standard library.
#include <immintrin.h>
#include <stdint.h>

namespace emberline::cpu {
namespace {

constexpr int64_t kScoreTile = 16 * 16;

// 2^t; NaN stays. Coefficients for t - floor(t), relative error below 2.7e-6, printed by tools/fit_polynomials.py.
inline __m512 power_of_two(__m512 t) {
  const __m512 r = _mm512_reduce_ps(t, 0x09);
  __m512 y = _mm512_fmadd_ps(_mm512_set1_ps(0.0135341594F), r, _mm512_set1_ps(0.0520114743F));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.241442747F));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(0.693003838F));
  y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.00000259F));
  return _mm512_scalef_ps(y, t);
}

// Lane r = the largest of rows[r]'s lanes. Destroys rows.
inline __m512 largest_of_rows(__m512 (&rows)[16]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 a = _mm512_max_ps(_mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x44),
                                   _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xee));
    const __m512 b = _mm512_max_ps(_mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x44),
                                   _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xee));
    rows[i] = _mm512_max_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  }
  const __m512 even = _mm512_max_ps(_mm512_unpacklo_ps(rows[0], rows[2]), _mm512_unpackhi_ps(rows[0], rows[2]));
  const __m512 odd = _mm512_max_ps(_mm512_unpacklo_ps(rows[1], rows[3]), _mm512_unpackhi_ps(rows[1], rows[3]));
  return _mm512_max_ps(_mm512_unpacklo_ps(even, odd), _mm512_unpackhi_ps(even, odd));
}

// Lane r = the largest score of query r, at least `least`; the last tile has keys only where `last` says. NaN counts
// for nothing.
inline __m512 largest_scores(const float* scores, int64_t tiles, __mmask16 last, float least) {
  const __m512 floor = _mm512_set1_ps(least);
  const float* end = scores + (tiles - 1) * kScoreTile;
  __m512 rows[16];
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) rows[r] = _mm512_mask_max_ps(floor, last, _mm512_load_ps(end + r * 16), floor);
  for (; scores != end; scores += kScoreTile) {
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) rows[r] = _mm512_max_ps(_mm512_load_ps(scores + r * 16), rows[r]);
  }
  return largest_of_rows(rows);
}

// Weights are made as whole numbers. 256 t + 256 * 127 has the exponent of 2^t in bf16 in its upper byte and t's
// fraction x in its lower one; a bf16 number's fraction is 2^x - 1, which differs from x by little: the table, by the
// upper six bits of x, has 256 (2^x - 1 - x) + kTableShift, and the mean of both numbers is the bf16 number. The error
// is 0.19 % (root mean square), where rounding alone makes 0.17 %. Below 2^-127 the weight is a denormal number, which
// products in bf16 take for zero; NaN becomes that, too.
// Printed by tools/fit_polynomials.py.
constexpr int kTableShift = 23;
alignas(64) constexpr unsigned char kFractions[64] = {16, 15, 14, 13, 12, 11, 10, 10, 9,  8,  7,  7,  6,  5,  5,  4,
                                                      4,  3,  3,  3,  2,  2,  2,  1,  1,  1,  1,  1,  1,  1,  1,  1,
                                                      1,  2,  2,  2,  2,  3,  3,  4,  4,  5,  6,  6,  7,  8,  9,  10,
                                                      11, 12, 13, 14, 15, 16, 17, 19, 20, 22, 23, 22, 20, 19, 18, 17};
constexpr float kWeightBase = 256.0F * 127 - kTableShift;

// weights[r] = 2^(scores / 256 * factor + biases[r] / 256) of four rows of two score tiles. Each 128 bits hold four
// keys of the first tile, then four of the second; key_of_weight has their order. Keys are where `low` and `high` say.
template <bool kOneTile>
inline void weigh_four(const float* scores, __mmask16 low, __mmask16 high, float factor, const float* biases,
                       uint16_t* weights) {
  const __m512 scale = _mm512_set1_ps(factor);
  const __m512i table = _mm512_load_si512(kFractions);
  const __m512i six_bits = _mm512_set1_epi64(0x0032002200120002);  // of each word: from its bit 2 on
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    const __m512 bias = _mm512_set1_ps(biases[r]);
    const __m512 first = _mm512_fmadd_ps(_mm512_load_ps(scores + r * 16), scale, bias);
    __m512i numbers = _mm512_maskz_cvtps_epi32(low, first);
    if constexpr (kOneTile) {
      numbers = _mm512_packus_epi32(numbers, _mm512_setzero_si512());
    } else {
      const __m512 second = _mm512_fmadd_ps(_mm512_load_ps(scores + kScoreTile + r * 16), scale, bias);
      numbers = _mm512_packus_epi32(numbers, _mm512_maskz_cvtps_epi32(high, second));
    }
    const __m512i index = _mm512_multishift_epi64_epi8(six_bits, numbers);
    const __m512i fractions = _mm512_maskz_permutexvar_epi8(0x5555555555555555U, index, table);
    _mm512_store_si512(weights + r * 32, _mm512_avg_epu16(numbers, fractions));
  }
}

// Which of 32 keys weight w belongs to.
constexpr int64_t key_of_weight(int64_t w) {
  return w / 8 * 4 + w % 4 + (w % 8 >= 4 ? 16 : 0);
}

}  // namespace
}  // namespace emberline::cpu
