// SPDX-License-Identifier: Apache-2.0
// Stands in for kernels_avx2.cc and kernels_avx512.cc on other architectures.
#include "backend/cpu/kernels.h"

namespace emberline::cpu {

const Kernels* avx2_kernels() {
  return nullptr;
}
const Kernels* avx512_kernels() {
  return nullptr;
}

}  // namespace emberline::cpu
