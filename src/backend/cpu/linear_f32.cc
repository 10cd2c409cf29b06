// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/convert.h"
#include "backend/cpu/cpu_linear.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

class LinearF32 final : public CpuLinear {
 public:
  LinearF32(const Kernels& kernels, std::span<const LinearPart> parts, WeightMemory& memory) : kernels_(kernels) {
    check(!parts.empty(), Code::kInvalidArgument, "make_linear: got no parts, expected at least 1");
    in_features = parts[0].weight.shape.at(1);
    bool any_bias = false;
    for (const LinearPart& part : parts) {
      check(part.weight.shape.at(1) == in_features, Code::kInvalidArgument,
            "make_linear: {} has {} columns, expected {}", part.weight.name, part.weight.shape.at(1), in_features);
      out_features += part.weight.shape.at(0);
      any_bias = any_bias || part.bias.has_value();
    }
    const int64_t width = kernels.wide_panel;
    const int64_t padded = (out_features + width - 1) / width * width;
    panels_ = memory.take(checked_product(padded, in_features, "make_linear"));
    if (any_bias) bias_ = stacked_bias(parts, padded);
    pack(parts);
  }

  void run(MatrixView x, Activation activation, MatrixView out) const override {
    kernels_.product(x, {panels_, bias_.data(), in_features, out_features, kernels_.wide_panel}, activation, out);
  }

 private:
  static AlignedFloats stacked_bias(std::span<const LinearPart> parts, int64_t padded) {
    AlignedFloats bias(padded);
    std::fill_n(bias.data(), padded, 0.0F);
    int64_t first = 0;
    for (const LinearPart& part : parts) {
      const int64_t rows = part.weight.shape[0];
      if (part.bias) convert_to_f32(*part.bias, 0, rows, bias.data() + first);
      first += rows;
    }
    return bias;
  }

  // Gathers the rows of one panel, which may come from several parts, converts and packs them.
  void pack(std::span<const LinearPart> parts) {
    const int64_t width = kernels_.wide_panel;
    AlignedFloats rows(checked_product(width, in_features, "make_linear"));
    int64_t filled = 0;
    float* panel = panels_;
    const auto flush = [&] {
      if (filled == 0) return;
      kernels_.pack_transposed({rows.data(), filled, in_features, in_features}, width, panel);
      panel += width * in_features;
      filled = 0;
    };
    for (const LinearPart& part : parts) {
      int64_t done = 0;
      while (done < part.weight.shape[0]) {
        const int64_t count = std::min(width - filled, part.weight.shape[0] - done);
        convert_to_f32(part.weight, done * in_features, count * in_features, rows.data() + filled * in_features);
        done += count;
        filled += count;
        if (filled == width) flush();
      }
    }
    flush();
  }

  const Kernels& kernels_;
  float* panels_ = nullptr;  // borrowed from the backend's memory
  AlignedFloats bias_;
};

}  // namespace

std::unique_ptr<CpuLinear> pack_linear_f32(const Kernels& kernels, std::span<const LinearPart> parts,
                                           WeightMemory& memory) {
  return std::make_unique<LinearF32>(kernels, parts, memory);
}

}  // namespace emberline::cpu
