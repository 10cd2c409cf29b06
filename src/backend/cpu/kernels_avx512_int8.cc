// SPDX-License-Identifier: Apache-2.0
// int8 products with AVX-512 VNNI: four products of a byte without sign and one with sign are added to each lane. The
// weights are the ones without sign, raised by 128, so that operands stay as they are in memory.
#include "backend/cpu/vector_avx512.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 4;
constexpr int kRaised = 128;

// Not __m512i: g++ 12 keeps arrays of those in memory when they are summed by dpbusd.
using Sums = int32_t __attribute__((vector_size(64)));
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
  return (Sums)_mm512_dpbusd_epi32((__m512i)sums, w, x);
}
inline Sums as_sums(Vec bits) {
  return (Sums)bits;
}
inline Vec resting(Sums sums) {
  return (Vec)sums;
}
inline Vec as_floats(Sums sums) {
  return _mm512_cvtepi32_ps((__m512i)sums);
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/int8_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {"avx512",          kPrecision,    127,     packed_bytes, pack,      quantise_int8, product,
                           product_activated, scratch_bytes, nullptr, nullptr,      norm_int8, nullptr,       nullptr};

}  // namespace

const LowKernels* avx512_int8_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
