// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kernel's permission to use tile registers, which a process needs beside a processor that has them.
#include <string>

namespace emberline::cpu {

struct AmxPermission {
  bool granted = false;
  std::string refusal;  // why not, for the user; empty where granted
};

// Asks the kernel once per process, whichever thread comes first; a permission holds for all threads, also those that
// started before. Call it only where CpuFeatures has amx_bf16 or amx_int8.
const AmxPermission& amx_permission();

}  // namespace emberline::cpu
