// SPDX-License-Identifier: Apache-2.0
// Stands in for the kernels of x86-64 on other architectures.
#include "backend/cpu/kernels.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {

const Kernels* avx2_kernels() {
  return nullptr;
}
const Kernels* avx512_kernels() {
  return nullptr;
}
const LowKernels* amx_bf16_kernels() {
  return nullptr;
}
const LowKernels* amx_int8_kernels() {
  return nullptr;
}
const LowKernels* avx512_bf16_kernels() {
  return nullptr;
}
const LowKernels* avx512_int8_kernels() {
  return nullptr;
}
const LowKernels* avxvnni_int8_kernels() {
  return nullptr;
}
const LowKernels* avx2_int8_kernels() {
  return nullptr;
}

}  // namespace emberline::cpu
