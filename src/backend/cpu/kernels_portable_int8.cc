// SPDX-License-Identifier: Apache-2.0
// int8 products on any processor: 16-bit products of the even and the odd bytes, whose sum still fits 16 bits, added up
// in 32.
#include "backend/cpu/vector_portable.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 4;
constexpr int kVectors = 2;
constexpr int kRaised = 0;

using Shorts = int16_t __attribute__((vector_size(16)));
using Sums = Ints;
using Words = Ints;

inline Words load_words(const uint8_t* p) {
  Words words;
  __builtin_memcpy(&words, p, sizeof(words));
  return words;
}
inline Words splat_word(const uint8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof(word));
  return Words{word, word, word, word};
}
inline Shorts even_bytes(Words words) {
  return (Shorts)words << 8 >> 8;
}
inline Shorts odd_bytes(Words words) {
  return (Shorts)words >> 8;
}
inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  const Ints pairs = (Ints)(even_bytes(x) * even_bytes(w) + odd_bytes(x) * odd_bytes(w));
  return sums + (pairs << 16 >> 16) + (pairs >> 16);
}
inline Sums as_sums(Vec bits) {
  return (Sums)bits;
}
inline Vec resting(Sums sums) {
  return (Vec)sums;
}
inline Vec as_floats(Sums sums) {
  return __builtin_convertvector(sums, Vec);
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/int8_product_body.h"

namespace emberline::cpu {
namespace {

const LowKernels kTable = {"portable",        kPrecision,    127,     packed_bytes, pack,      quantise_int8, product,
                           product_activated, scratch_bytes, nullptr, nullptr,      norm_int8, nullptr,       nullptr};

}  // namespace

const LowKernels* portable_int8_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
