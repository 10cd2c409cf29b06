// SPDX-License-Identifier: Apache-2.0
// bf16 products on any processor: f32 multiplication and addition, rounded one after the other.
#include "backend/cpu/vector_portable.h"

namespace emberline::cpu {
namespace {

constexpr int kRows = 4;
constexpr int kVectors = 2;

using Sums = Vec;
using Words = Ints;  // the even element of each pair is the lower half

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
inline Vec even_halves(Words words) {
  return (Vec)(words << 16);
}
inline Vec odd_halves(Words words) {
  return (Vec)((words >> 16) << 16);
}
inline Sums multiply_add_words(Words x, Words w, Sums sums) {
  sums = multiply_add(even_halves(x), even_halves(w), sums);
  return multiply_add(odd_halves(x), odd_halves(w), sums);
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

const LowKernels kTable = {"portable",        kPrecision,    0,       packed_bytes, pack,      quantise_bf16, product,
                           product_activated, scratch_bytes, nullptr, nullptr,      norm_bf16, nullptr,       nullptr};

}  // namespace

const LowKernels* portable_bf16_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
