// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/linear_parts.h"

#include <algorithm>

#include "base/convert.h"
#include "base/error.h"

namespace emberline::cpu {

int64_t common_in_features(std::span<const LinearPart> parts) {
  check(!parts.empty(), Code::kInvalidArgument, "make_linear: got no parts, expected at least 1");
  const int64_t in_features = parts[0].weight.shape.at(1);
  for (const LinearPart& part : parts) {
    check(part.weight.shape.at(1) == in_features, Code::kInvalidArgument, "make_linear: {} has {} columns, expected {}",
          part.weight.name, part.weight.shape.at(1), in_features);
  }
  return in_features;
}

int64_t total_out_features(std::span<const LinearPart> parts) {
  int64_t out_features = 0;
  for (const LinearPart& part : parts) out_features += part.weight.shape.at(0);
  return out_features;
}

std::string stored_name(std::span<const LinearPart> parts) {
  return message("packed {} +{}", parts[0].weight.name, parts.size() - 1);
}

AlignedFloats stacked_bias(std::span<const LinearPart> parts, int64_t padded) {
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

}  // namespace emberline::cpu
