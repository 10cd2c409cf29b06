// SPDX-License-Identifier: Apache-2.0
// int8 products with AVX-VNNI: as kernels_avx512_int8.cc, eight lanes at a time.
#include "backend/cpu/int8_words_avx2.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 2;
constexpr int kRaised = 128;

inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  return _mm256_dpbusd_avx_epi32(sums, w, x);
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/int8_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {"avxvnni",         kPrecision,    127,     packed_bytes, pack,      quantise_int8, product,
                           product_activated, scratch_bytes, nullptr, nullptr,      norm_int8, nullptr,       nullptr};

}  // namespace

const LowKernels* avxvnni_int8_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
