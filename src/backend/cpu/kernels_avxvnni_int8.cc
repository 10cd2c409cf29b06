// SPDX-License-Identifier: Apache-2.0
// int8 products with AVX-VNNI: as kernels_avx512_int8.cc, eight lanes at a time.
#include "backend/cpu/vector_avx2.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 2;
constexpr int kRaised = 128;

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
inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  return _mm256_dpbusd_avx_epi32(sums, w, x);
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

#include "backend/cpu/int8_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {"avxvnni",         kPrecision,    127,     packed_bytes, pack,    quantise_int8, product,
                           product_activated, scratch_bytes, nullptr, norm_int8,    nullptr, nullptr};

}  // namespace

const LowKernels* avxvnni_int8_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
