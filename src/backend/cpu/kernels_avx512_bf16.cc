// SPDX-License-Identifier: Apache-2.0
// bf16 products with AVX-512 BF16: two products are added to each lane, one after the other, each sum rounded to
// nearest even in f32. Denormal numbers and sums count as zero: an error below 1.2e-38 for each product.
#include "backend/cpu/bf16_avx512.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 4;

using Sums = Vec;
using Words = __m512i;

inline Words load_words(const uint8_t* p) {
  return _mm512_loadu_si512(p);
}
inline Words splat_word(const uint8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return _mm512_set1_epi32(word);
}
inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  return _mm512_dpbf16_ps(sums, (__m512bh)x, (__m512bh)w);
}
inline Sums as_sums(Vec v) {
  return v;
}
inline Vec resting(Sums sums) {
  return sums;
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/bf16_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {"avx512",          kPrecision,    0,       packed_bytes, pack,      quantise_bf16, product,
                           product_activated, scratch_bytes, nullptr, nullptr,      norm_bf16, nullptr,       nullptr};

}  // namespace

const LowKernels* avx512_bf16_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
