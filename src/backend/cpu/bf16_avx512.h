// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rounding to bf16 with AVX512_BF16. For kernels files that are compiled with it, after vector_avx512.h.
#include "backend/cpu/vector_avx512.h"

namespace emberline::cpu {
namespace {

// Rounded to even; denormals become zeros of their sign, NaN stays NaN.
inline void store_bf16(uint16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(v));
}

}  // namespace
}  // namespace emberline::cpu
