// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

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

// scales [out_features rounded up]: what one step of int8 is worth in each row; 1 for rows of zeros. A NaN makes its
// own row NaN.
void find_scales(const AlignedFloats& weights, int64_t rows, int64_t cols, float largest_step, AlignedFloats& scales) {
  std::fill_n(scales.data(), scales.size(), 1.0F);
  for (int64_t r = 0; r < rows; ++r) {
    float largest = 0;
    for (int64_t c = 0; c < cols; ++c) {
      const float magnitude = std::fabs(weights.data()[r * cols + c]);
      if (!(magnitude <= largest)) largest = magnitude;
      if (std::isnan(largest)) break;
    }
    if (largest != 0) scales.data()[r] = largest / largest_step;
  }
}

}  // namespace

LinearLow::LinearLow(const LowKernels& kernels, std::span<const LinearPart> parts, std::span<const float> input_factors,
                     WeightMemory& memory, PackedStore* store)
    : kernels_(kernels) {
  in_features = common_in_features(parts);
  out_features = total_out_features(parts);
  check(input_factors.empty() || static_cast<int64_t>(input_factors.size()) == in_features, Code::kInternal,
        "make_linear: got {} input factors, expected {}", input_factors.size(), in_features);
  const int64_t padded = round_up(out_features, kColumnGranule);
  bias_ = stacked_bias(parts, padded);
  if (kernels.precision == Precision::kInt8) scales_ = AlignedFloats(padded);
  packed_bytes_ = kernels.packed_bytes(out_features, in_features);
  float* data = memory.take(packed_bytes_ / static_cast<int64_t>(sizeof(float)) + 1);
  if (store == nullptr || !read(*store, stored_name(parts), data)) {
    pack(parts, input_factors, data);
    if (store != nullptr) keep(*store, stored_name(parts), data);
  }
  view_ = {.data = data,
           .bias = bias_.data(),
           .scales = scales_.data(),
           .in_features = in_features,
           .out_features = out_features};
}

void LinearLow::pack(std::span<const LinearPart> parts, std::span<const float> input_factors, void* data) {
  const AlignedFloats weights = stacked_weights(parts, out_features, in_features, input_factors);
  if (scales_.size() > 0) find_scales(weights, out_features, in_features, kernels_.largest_weight, scales_);
  kernels_.pack({weights.data(), out_features, in_features, in_features}, scales_.data(), data);
}

bool LinearLow::read(const PackedStore& store, const std::string& name, void* data) {
  const std::byte* packed = store.find(name, packed_bytes_);
  const std::byte* scales = scales_.size() > 0 ? store.find(name + " scales", scale_bytes()) : nullptr;
  if (packed == nullptr || (scales == nullptr && scales_.size() > 0)) return false;
  std::memcpy(data, packed, static_cast<size_t>(packed_bytes_));
  if (scales != nullptr) std::memcpy(scales_.data(), scales, static_cast<size_t>(scale_bytes()));
  return true;
}

void LinearLow::keep(PackedStore& store, const std::string& name, const void* data) const {
  store.keep(name, data, packed_bytes_);
  if (scales_.size() > 0) store.keep(name + " scales", scales_.data(), scale_bytes());
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
