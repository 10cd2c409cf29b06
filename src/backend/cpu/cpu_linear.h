// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights packed for the CPU: one subclass for each way of storing and multiplying them.
#include <memory>
#include <span>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/weight_memory.h"

namespace emberline::cpu {

class CpuLinear : public Linear {
 public:
  // out = activation(x W^T + bias).
  virtual void run(MatrixView x, Activation activation, MatrixView out) const = 0;
};

// f32 in panels that lie in `memory`. Throws Error(kOutOfMemory), and Error(kUnsupported) for weights that are no
// floats.
std::unique_ptr<CpuLinear> pack_linear_f32(const Kernels& kernels, std::span<const LinearPart> parts,
                                           WeightMemory& memory);

}  // namespace emberline::cpu
