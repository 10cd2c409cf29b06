// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the processor can do and the operating system lets it: instruction sets and the name it gives itself.
#include <string>

namespace emberline {

// All false on other architectures than x86-64.
struct CpuFeatures {
  bool avx2 = false;  // with FMA and F16C, and ymm registers saved by the system
  bool avx_vnni = false;
  bool avx512 = false;  // F, BW, DQ and VL, and zmm registers saved by the system
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool avx512_vbmi = false;
  bool amx_bf16 = false;  // tiles saved by the system; a process must still ask for them
  bool amx_int8 = false;
  std::string vendor;  // "GenuineIntel", "AuthenticAMD"; empty where unknown
  std::string name;    // "AMD EPYC 9R14", or "unknown processor"
};

// Asks the processor; cheap enough to call where an engine is made.
CpuFeatures detect_cpu_features();

}  // namespace emberline
