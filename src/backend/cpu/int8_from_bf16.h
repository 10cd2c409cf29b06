// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of bf16 as an operand in int8. For kernels files that are compiled with AVX-512, after vector_avx512.h.
#include <bit>

#include "backend/cpu/int8_rowwise_body.h"
#include "backend/cpu/vector_avx512.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kHalves = 2 * kLanes;  // numbers of 16 bits in a vector

// As bits, magnitudes of bf16 are ordered as the numbers are, and NaN is above infinity. cols: a multiple of kHalves.
inline float largest_magnitude_of_bf16(const uint16_t* row, int64_t cols) {
  const __m512i magnitude = _mm512_set1_epi16(0x7FFF);
  __m512i top = _mm512_setzero_si512();
  for (int64_t i = 0; i < cols; i += kHalves) {
    top = _mm512_max_epu16(top, _mm512_and_si512(_mm512_loadu_si512(row + i), magnitude));
  }
  // Left in the upper halves, both become floats.
  const __m512i both = _mm512_max_epu32(_mm512_slli_epi32(top, 16), _mm512_and_si512(top, _mm512_set1_epi32(-65536)));
  return std::bit_cast<float>(_mm512_reduce_max_epu32(both));
}

// Each 32 bits of the result hold, in their lower half, two numbers of 8 bits: those of the two bf16 that were there.
inline __m512i int8_pairs(__m512i numbers, Vec inverse) {
  // What is added moves the whole number, rounded to even, to the lowest bits.
  const Vec shifter = splat(12582912.0F);
  const Vec even = _mm512_castsi512_ps(_mm512_slli_epi32(numbers, 16));
  const Vec odd = _mm512_castsi512_ps(_mm512_and_si512(numbers, _mm512_set1_epi32(-65536)));
  const __m512i low = _mm512_castps_si512(multiply_add(even, inverse, shifter));
  const __m512i high = _mm512_slli_epi32(_mm512_castps_si512(multiply_add(odd, inverse, shifter)), 8);
  constexpr int kSelect = 0xCA;  // first ? second : third
  return _mm512_ternarylogic_epi32(_mm512_set1_epi32(0xFF), low, high, kSelect);
}

// Row r of an operand. `row` holds out.cols numbers and zeros up to a multiple of kHalves. Rounds as store_int8_row
// does, and treats tiny rows, NaN and infinity alike.
inline void store_int8_row_of_bf16(const uint16_t* row, int64_t r, const OperandView& out) {
  const int64_t cols = (out.cols + kHalves - 1) / kHalves * kHalves;
  const float largest = largest_magnitude_of_bf16(row, cols);
  const bool vanishes = largest < kSmallestMagnitude;
  const Vec inverse = splat(vanishes ? 0.0F : 127.0F / largest);
  out.scales[r] = vanishes ? 0.0F : largest / 127.0F;
  alignas(64) static constexpr uint16_t kOrder[kHalves] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                                           1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
  const __m512i order = _mm512_load_si512(kOrder);
  constexpr __mmask32 kUpperHalves = 0xAAAAAAAA;
  int8_t* to = static_cast<int8_t*>(out.data) + r * out.row_stride;
  for (int64_t i = 0; i < cols; i += 2 * kHalves) {
    const __m512i first = int8_pairs(_mm512_loadu_si512(row + i), inverse);
    const bool is_last = i + kHalves == cols;
    const __m512i behind = is_last ? _mm512_setzero_si512() : _mm512_loadu_si512(row + i + kHalves);
    const __m512i second = _mm512_slli_epi32(int8_pairs(behind, inverse), 16);
    const __m512i pairs = _mm512_mask_blend_epi16(kUpperHalves, first, second);
    _mm512_storeu_si512(to + i, _mm512_permutexvar_epi16(order, pairs));
  }
  clear_tail(to, out);
}

}  // namespace
}  // namespace emberline::cpu
