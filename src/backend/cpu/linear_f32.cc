// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/linear_parts.h"
#include "base/convert.h"
#include "base/error.h"

namespace emberline::cpu {

LinearF32::LinearF32(const Kernels& kernels, std::span<const LinearPart> parts, WeightMemory& memory,
                     PackedStore* store)
    : kernels_(kernels) {
  in_features = common_in_features(parts);
  out_features = total_out_features(parts);
  const int64_t width = kernels.wide_panel;
  const int64_t padded = (out_features + width - 1) / width * width;
  const int64_t floats = checked_product(padded, in_features, "make_linear");
  panels_ = memory.take(floats);
  if (std::any_of(parts.begin(), parts.end(), [](const LinearPart& part) { return part.bias.has_value(); })) {
    bias_ = stacked_bias(parts, padded);
  }
  const auto bytes = floats * static_cast<int64_t>(sizeof(float));
  const std::byte* stored = store != nullptr ? store->find(stored_name(parts), bytes) : nullptr;
  if (stored != nullptr) {
    std::memcpy(panels_, stored, static_cast<size_t>(bytes));
    return;
  }
  pack(parts);
  if (store != nullptr) store->keep(stored_name(parts), panels_, bytes);
}

PanelsView LinearF32::columns(int64_t first, int64_t end) const {
  const float* bias = bias_.data() != nullptr ? bias_.data() + first : nullptr;
  return {panels_ + first * in_features, bias, in_features, end - first, kernels_.wide_panel};
}

// Gathers the rows of one panel, which may come from several parts, converts and packs them.
void LinearF32::pack(std::span<const LinearPart> parts) {
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

}  // namespace emberline::cpu
