// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights packed for the CPU, in memory that they borrow: f32 in panels, or bf16 and int8 as their kernels want them.
// A store, which may be null, gives what an earlier process packed; it is copied into the large pages of WeightMemory.
#include <span>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/weight_memory.h"

namespace emberline::cpu {

class LinearF32 final : public Linear {
 public:
  // Throws Error(kOutOfMemory), and Error(kUnsupported) for weights that are no floats.
  LinearF32(const Kernels& kernels, std::span<const LinearPart> parts, WeightMemory& memory, PackedStore* store);
  // Columns [first, end) of the product; first is a multiple of Kernels::wide_panel.
  PanelsView columns(int64_t first, int64_t end) const;

 private:
  void pack(std::span<const LinearPart> parts);

  const Kernels& kernels_;
  float* panels_ = nullptr;
  AlignedFloats bias_;  // zeros where no part has one
};

// A multiple of every table's panel.
constexpr int64_t kColumnGranule = 64;

class LinearLow final : public Linear {
 public:
  // Column i of the weights is divided by input_factors[i] where there are any. Throws as LinearF32 does.
  LinearLow(const LowKernels& kernels, std::span<const LinearPart> parts, std::span<const float> input_factors,
            WeightMemory& memory, PackedStore* store);
  // Columns [first, end) of the product; first is a multiple of kColumnGranule.
  PackedView columns(int64_t first, int64_t end) const;
  // The weights that a pass reads after these; their memory must live as long.
  void set_next(const LinearLow& next);

 private:
  void pack(std::span<const LinearPart> parts, std::span<const float> input_factors, void* data);
  bool read(const PackedStore& store, const std::string& name, void* data);
  void keep(PackedStore& store, const std::string& name, const void* data) const;
  int64_t scale_bytes() const { return scales_.size() * static_cast<int64_t>(sizeof(float)); }

  const LowKernels& kernels_;
  PackedView view_;
  int64_t packed_bytes_ = 0;
  AlignedFloats bias_;
  AlignedFloats scales_;  // int8 only
};

}  // namespace emberline::cpu
