// SPDX-License-Identifier: Apache-2.0
#pragma once
// Words of four int8 numbers and their sums, eight lanes: what int8 products over AVX2 share, whichever instruction
// multiplies.
#include "backend/cpu/vector_avx2.h"

namespace emberline::cpu {
namespace {

using Sums = __m256i;
using Words = __m256i;

inline Words load_words(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline Words splat_word(const uint8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return _mm256_set1_epi32(word);
}
inline Sums as_sums(Vec bits) {
  return _mm256_castps_si256(bits);
}
inline Vec resting(Sums sums) {
  return _mm256_castsi256_ps(sums);
}
inline Vec as_floats(Sums sums) {
  return _mm256_cvtepi32_ps(sums);
}

}  // namespace
}  // namespace emberline::cpu
