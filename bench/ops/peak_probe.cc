// SPDX-License-Identifier: Apache-2.0
#include "peak_probe.h"

#include <immintrin.h>

#include <algorithm>

#include "thread_clock.h"

namespace emberline {
namespace {

constexpr int kRounds = 20000;
volatile float sink = 0;

// Each burst keeps enough chains to fill every multiplier, in registers; returns the flops done.
__attribute__((target("avx512f"))) double burst_avx512() {
  __m512 chains[20];
#pragma GCC unroll 20
  for (int i = 0; i < 20; ++i) chains[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512 factor = _mm512_set1_ps(0.99F);
  const __m512 term = _mm512_set1_ps(sink);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 20
    for (__m512& chain : chains) chain = _mm512_fmadd_ps(chain, factor, term);
  }
#pragma GCC unroll 20
  for (int i = 1; i < 20; ++i) chains[0] = _mm512_add_ps(chains[0], chains[i]);
  sink = _mm512_cvtss_f32(chains[0]);
  return 2.0 * 16 * 20 * kRounds;
}

__attribute__((target("avx2,fma"))) double burst_avx2() {
  __m256 chains[12];
#pragma GCC unroll 20
  for (int i = 0; i < 12; ++i) chains[i] = _mm256_set1_ps(static_cast<float>(i));
  const __m256 factor = _mm256_set1_ps(0.99F);
  const __m256 term = _mm256_set1_ps(sink);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 20
    for (__m256& chain : chains) chain = _mm256_fmadd_ps(chain, factor, term);
  }
#pragma GCC unroll 20
  for (int i = 1; i < 12; ++i) chains[0] = _mm256_add_ps(chains[0], chains[i]);
  sink = _mm256_cvtss_f32(chains[0]);
  return 2.0 * 8 * 12 * kRounds;
}

double burst_portable() {
  __m128 chains[12];
#pragma GCC unroll 20
  for (int i = 0; i < 12; ++i) chains[i] = _mm_set1_ps(static_cast<float>(i));
  const __m128 factor = _mm_set1_ps(0.99F);
  const __m128 term = _mm_set1_ps(sink);
  for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 20
    for (__m128& chain : chains) chain = _mm_add_ps(_mm_mul_ps(chain, factor), term);
  }
#pragma GCC unroll 20
  for (int i = 1; i < 12; ++i) chains[0] = _mm_add_ps(chains[0], chains[i]);
  sink = _mm_cvtss_f32(chains[0]);
  return 2.0 * 4 * 12 * kRounds;
}

}  // namespace

double peak_gflops(const std::string& isa) {
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    const double start = thread_seconds();
    const double flops = isa == "avx512" ? burst_avx512() : isa == "avx2" ? burst_avx2() : burst_portable();
    best = std::max(best, flops / (thread_seconds() - start) * 1e-9);
  }
  return best;
}

}  // namespace emberline
