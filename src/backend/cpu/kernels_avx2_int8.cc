// SPDX-License-Identifier: Apache-2.0
// int8 products with AVX2 alone: vpmaddubsw adds two products of a byte without sign and one with sign to 16 bits, and
// saturates. Weights of 7 bits, raised by 64, lie in [1, 127], and 2 * 127 * 127 = 32258 is below 32768.
#include "backend/cpu/int8_words_avx2.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 5;
constexpr int kVectors = 2;
constexpr int kRaised = 64;

inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/int8_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {
    "avx2",        kPrecision, 63,      packed_bytes, pack,    quantise_int8, product, product_activated,
    scratch_bytes, nullptr,    nullptr, norm_int8,    nullptr, nullptr};

}  // namespace

const LowKernels* avx2_int8_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
