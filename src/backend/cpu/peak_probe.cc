// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/peak_probe.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "base/thread_clock.h"

namespace emberline::cpu {
namespace {

constexpr long kRounds = 20000;
constexpr long kTileRounds = 2000;  // as long: a tile product takes many steps' time

// Twelve independent chains c = c * a + a in registers 2 to 13, `step` of each. In assembly, because compilers keep
// such chains in memory at times; a = 0.5, so that the chains stay near 1.
#define EMB_CHAINS(step)                                                                                           \
  step("2") step("3") step("4") step("5") step("6") step("7") step("8") step("9") step("10") step("11") step("12") \
      step("13")
#define EMB_BURST(start, step)                                                                                      \
  long rounds = kRounds;                                                                                            \
  const float half = 0.5F;                                                                                          \
  __asm__ volatile(start("0") EMB_CHAINS(start) "1:\n" EMB_CHAINS(step) "sub $1, %0\njnz 1b\n"                      \
                   : "+r"(rounds)                                                                                   \
                   : "m"(half)                                                                                      \
                   : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                     "xmm11", "xmm12", "xmm13", "xmm14")
#define EMB_START_512(c) "vbroadcastss %1, %%zmm" c "\n"
#define EMB_STEP_512(c) "vfmadd213ps %%zmm0, %%zmm0, %%zmm" c "\n"
#define EMB_START_256(c) "vbroadcastss %1, %%ymm" c "\n"
#define EMB_STEP_256(c) "vfmadd213ps %%ymm0, %%ymm0, %%ymm" c "\n"
#define EMB_START_128(c) "movss %1, %%xmm" c "\nshufps $0, %%xmm" c ", %%xmm" c "\n"
#define EMB_STEP_128(c) "mulps %%xmm0, %%xmm" c "\naddps %%xmm0, %%xmm" c "\n"

// Else what follows on this thread would be slow: its instructions would keep upper halves that nobody reads.
void clear_upper_halves() {
  __asm__ volatile("vzeroupper");
}

// Each returns the flops of one burst.
double burst_avx512() {
  EMB_BURST(EMB_START_512, EMB_STEP_512);
  clear_upper_halves();
  return 2.0 * 16 * 12 * kRounds;
}
double burst_avx2() {
  EMB_BURST(EMB_START_256, EMB_STEP_256);
  clear_upper_halves();
  return 2.0 * 8 * 12 * kRounds;
}
double burst_portable() {
  EMB_BURST(EMB_START_128, EMB_STEP_128);
  return 2.0 * 4 * 12 * kRounds;
}

#define EMB_START_ZERO(c) "vpxor %%xmm" c ", %%xmm" c ", %%xmm" c "\n"
#define EMB_STEP_BF16_512(c) "vdpbf16ps %%zmm0, %%zmm0, %%zmm" c "\n"
#define EMB_STEP_INT8_512(c) "vpdpbusd %%zmm0, %%zmm0, %%zmm" c "\n"
#define EMB_STEP_INT8_VEX(c) "%{vex%} vpdpbusd %%ymm0, %%ymm0, %%ymm" c "\n"
#define EMB_STEP_INT8_256(c)                                                       \
  "vpmaddubsw %%ymm0, %%ymm0, %%ymm14\nvpmaddwd %%ymm0, %%ymm14, %%ymm14\nvpaddd " \
  "%%ymm14, %%ymm" c ", %%ymm" c "\n"

double burst_avx512_bf16() {
  EMB_BURST(EMB_START_ZERO, EMB_STEP_BF16_512);
  clear_upper_halves();
  return 2.0 * 32 * 12 * kRounds;
}
double burst_avx512_int8() {
  EMB_BURST(EMB_START_ZERO, EMB_STEP_INT8_512);
  clear_upper_halves();
  return 2.0 * 64 * 12 * kRounds;
}
double burst_avxvnni_int8() {
  EMB_BURST(EMB_START_ZERO, EMB_STEP_INT8_VEX);
  clear_upper_halves();
  return 2.0 * 32 * 12 * kRounds;
}
double burst_avx2_int8() {
  EMB_BURST(EMB_START_ZERO, EMB_STEP_INT8_256);
  clear_upper_halves();
  return 2.0 * 32 * 12 * kRounds;
}

// Four tiles of sums, each with tiles of its own to multiply.
struct alignas(64) TileConfig {
  unsigned char bytes[64];
};
TileConfig whole_tiles() {
  TileConfig config = {{1}};
  for (int tile = 0; tile < 8; ++tile) config.bytes[16 + 2 * tile] = 64, config.bytes[48 + tile] = 16;
  return config;
}
#define EMB_TILE_BURST(multiply)                                                             \
  long rounds = kTileRounds;                                                                 \
  const TileConfig config = whole_tiles();                                                   \
  __asm__ volatile("ldtilecfg %1\n1:\n" multiply " %%tmm6, %%tmm4, %%tmm0\n" multiply        \
                   " %%tmm7, %%tmm4, %%tmm1\n" multiply " %%tmm6, %%tmm5, %%tmm2\n" multiply \
                   " %%tmm7, %%tmm5, %%tmm3\nsub $1, %0\njnz 1b\ntilerelease\n"              \
                   : "+r"(rounds)                                                            \
                   : "m"(config)                                                             \
                   : "cc")
double burst_amx_bf16() {
  EMB_TILE_BURST("tdpbf16ps");
  return 2.0 * 16 * 16 * 32 * 4 * kTileRounds;
}
double burst_amx_int8() {
  EMB_TILE_BURST("tdpbssd");
  return 2.0 * 16 * 16 * 64 * 4 * kTileRounds;
}

using Burst = double (*)();
Burst burst_of(const std::string& isa) {
  if (isa == "amx_bf16") return burst_amx_bf16;
  if (isa == "amx_int8") return burst_amx_int8;
  if (isa == "avx512_bf16") return burst_avx512_bf16;
  if (isa == "avx512_int8") return burst_avx512_int8;
  if (isa == "avxvnni_int8") return burst_avxvnni_int8;
  if (isa == "avx2_int8") return burst_avx2_int8;
  return isa == "avx512" ? burst_avx512 : isa == "avx2" ? burst_avx2 : burst_portable;
}

}  // namespace

double burst_gflops(const std::string& isa) {
  const Burst burst = burst_of(isa);
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const double start = thread_seconds();
    const double flops = burst();
    best = std::max(best, flops / (thread_seconds() - start) * 1e-9);
  }
  return best;
}

double peak_gflops(const std::string& isa) {
  std::vector<double> bursts;
  for (int i = 0; i < 40; ++i) bursts.push_back(burst_gflops(isa));
  // Not the very best: the clock of a virtual machine jumps at times.
  std::sort(bursts.begin(), bursts.end());
  return bursts[bursts.size() * 9 / 10];
}

double measured_peak(const std::string& isa, DType dtype, int64_t num_threads) {
  const bool has_own = dtype != DType::kF32 && isa != "portable";
  const std::string probed = has_own ? isa + "_" + dtype_name(dtype) : isa;
  std::vector<double> peaks(static_cast<size_t>(num_threads));
  run_parallel(num_threads, num_threads, [&](int64_t i) { peaks[static_cast<size_t>(i)] = peak_gflops(probed) * 1e9; });
  return std::accumulate(peaks.begin(), peaks.end(), 0.0);
}

}  // namespace emberline::cpu
