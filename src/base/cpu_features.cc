// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <cstring>

namespace emberline {
namespace {

#if defined(__x86_64__)

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// Zeros where the processor does not know the leaf.
Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

bool bit(uint32_t word, int index) {
  return ((word >> index) & 1U) != 0;
}

// Register states that the operating system saves at a task switch.
uint64_t saved_states() {
  if (!bit(cpuid(1).ecx, 27)) return 0;  // OSXSAVE: xgetbv would fault
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

std::string processor_vendor() {
  const Registers r = cpuid(0);
  const uint32_t words[3] = {r.ebx, r.edx, r.ecx};
  char text[sizeof(words) + 1] = {};
  std::memcpy(text, words, sizeof(words));
  return text;
}

std::string processor_name() {
  char text[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002U + i);
    const uint32_t words[4] = {r.eax, r.ebx, r.ecx, r.edx};
    std::memcpy(text + 16 * i, words, sizeof(words));
  }
  const std::string name = text;
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "unknown processor";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

CpuFeatures detect() {
  constexpr uint64_t kYmmStates = 0x6;
  constexpr uint64_t kZmmStates = 0xe6;
  constexpr uint64_t kTileStates = 0x60000;
  const uint64_t states = saved_states();
  const Registers basic = cpuid(1);
  const Registers extended = cpuid(7);
  const Registers more = cpuid(7, 1);
  CpuFeatures f;
  f.vendor = processor_vendor();
  f.name = processor_name();
  const bool ymm = (states & kYmmStates) == kYmmStates;
  const bool zmm = (states & kZmmStates) == kZmmStates;
  const bool tiles = (states & kTileStates) == kTileStates;
  f.avx2 = ymm && bit(extended.ebx, 5) && bit(basic.ecx, 12) && bit(basic.ecx, 29);
  f.avx_vnni = f.avx2 && bit(more.eax, 4);
  f.avx512 =
      f.avx2 && zmm && bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 30) && bit(extended.ebx, 31);
  f.avx512_vnni = f.avx512 && bit(extended.ecx, 11);
  f.avx512_bf16 = f.avx512 && bit(more.eax, 5);
  f.avx512_vbmi = f.avx512 && bit(extended.ecx, 1);
  const bool amx_tile = f.avx512 && tiles && bit(extended.edx, 24);
  f.amx_bf16 = amx_tile && bit(extended.edx, 22);
  f.amx_int8 = amx_tile && bit(extended.edx, 25);
  return f;
}

#else

CpuFeatures detect() {
  CpuFeatures f;
  f.name = "unknown processor";
  return f;
}

#endif

}  // namespace

CpuFeatures detect_cpu_features() {
  return detect();
}

}  // namespace emberline
