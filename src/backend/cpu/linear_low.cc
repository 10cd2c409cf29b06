// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/linear_parts.h"
#include "base/convert.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kLineBytes = 64;

// [out_features, in_features] in f32, columns divided by their factors.
AlignedFloats stacked_weights(std::span<const LinearPart> parts, int64_t out_features, int64_t in_features,
                              std::span<const float> factors) {
  AlignedFloats weights(checked_product(out_features, in_features, "make_linear"));
  float* row = weights.data();
  for (const LinearPart& part : parts) {
    convert_to_f32(part.weight, 0, part.weight.size(), row);
    row += part.weight.size();
  }
  if (factors.empty()) return weights;
  for (int64_t r = 0; r < out_features; ++r) {
    for (int64_t c = 0; c < in_features; ++c) weights.data()[r * in_features + c] /= factors[static_cast<size_t>(c)];
  }
  return weights;
}

// [padded]: what one step of int8 is worth in each row; 1 for rows of zeros. A NaN makes its own row NaN.
AlignedFloats row_scales(const AlignedFloats& weights, int64_t rows, int64_t cols, float largest_step, int64_t padded) {
  AlignedFloats scales(padded);
  std::fill_n(scales.data(), padded, 1.0F);
  for (int64_t r = 0; r < rows; ++r) {
    float largest = 0;
    for (int64_t c = 0; c < cols; ++c) {
      const float magnitude = std::fabs(weights.data()[r * cols + c]);
      if (!(magnitude <= largest)) largest = magnitude;
      if (std::isnan(largest)) break;
    }
    if (largest != 0) scales.data()[r] = largest / largest_step;
  }
  return scales;
}

}  // namespace

LinearLow::LinearLow(const LowKernels& kernels, std::span<const LinearPart> parts, std::span<const float> input_factors,
                     WeightMemory& memory)
    : kernels_(kernels) {
  in_features = common_in_features(parts);
  out_features = total_out_features(parts);
  check(input_factors.empty() || static_cast<int64_t>(input_factors.size()) == in_features, Code::kInternal,
        "make_linear: got {} input factors, expected {}", input_factors.size(), in_features);
  const int64_t padded = round_up(out_features, kColumnGranule);
  const AlignedFloats weights = stacked_weights(parts, out_features, in_features, input_factors);
  bias_ = stacked_bias(parts, padded);
  if (kernels.precision == Precision::kInt8) {
    scales_ = row_scales(weights, out_features, in_features, kernels.largest_weight, padded);
  }
  const int64_t bytes = kernels.packed_bytes(out_features, in_features);
  float* data = memory.take(bytes / static_cast<int64_t>(sizeof(float)) + 1);
  kernels.pack({weights.data(), out_features, in_features, in_features}, scales_.data(), data);
  packed_bytes_ = bytes;
  view_ = {.data = data,
           .bias = bias_.data(),
           .scales = scales_.data(),
           .in_features = in_features,
           .out_features = out_features};
}

PackedView LinearLow::columns(int64_t first, int64_t end) const {
  PackedView part = view_;
  part.data = static_cast<const std::byte*>(view_.data) + kernels_.packed_bytes(first, in_features);
  part.bias += first;
  if (part.scales != nullptr) part.scales += first;
  part.out_features = end - first;
  // Each part fetches its share of what comes next.
  const int64_t lines = view_.next_bytes / kLineBytes;
  const int64_t first_line = lines * first / out_features;
  part.next = static_cast<const std::byte*>(view_.next) + first_line * kLineBytes;
  part.next_bytes = (lines * end / out_features - first_line) * kLineBytes;
  return part;
}

void LinearLow::set_next(const LinearLow& next) {
  view_.next = next.view_.data;
  view_.next_bytes = next.packed_bytes_;
}

}  // namespace emberline::cpu
