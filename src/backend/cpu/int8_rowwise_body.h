// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes operands in int8, each row with a scale of its own. Included by a kernels file after its vector_<isa>.h.
//
// The last vector of a row is stored whole: rows are padded to 64 bytes, and zeros follow.
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/row_passes.h"

namespace emberline::cpu {
namespace {

// A row whose magnitudes all lie below this becomes zeros: its scale would be a denormal number, which some processors
// and threads take for zero, and the inverse would overflow.
constexpr float kSmallestMagnitude = 0x1p-119F;

inline float largest_magnitude(const Chains& c) {
  return largest_magnitude(
      larger_magnitude(larger_magnitude(c.part[0], c.part[1]), larger_magnitude(c.part[2], c.part[3])));
}

// Row r of an operand: row * factors, of which `largest` is the largest magnitude. NaN and infinity show in the scale,
// whatever the elements are.
inline void store_int8_row(const float* row, const float* factors, float largest, int64_t r, const OperandView& out) {
  const bool vanishes = largest < kSmallestMagnitude;
  const Vec inverse = splat(vanishes ? 0.0F : 127.0F / largest);
  out.scales[r] = vanishes ? 0.0F : largest / 127.0F;
  int8_t* to = static_cast<int8_t*>(out.data) + r * out.row_stride;
  const auto element = [&](int64_t i, auto lanes) { return times(load(row + i, lanes), factors, i, lanes) * inverse; };
  int64_t i = 0;
  for (; i + 4 * kLanes <= out.cols; i += 4 * kLanes) {
    store_int8(to + i, element(i, AllLanes{}), element(i + kLanes, AllLanes{}), element(i + 2 * kLanes, AllLanes{}),
               element(i + 3 * kLanes, AllLanes{}));
  }
  for (; i + kLanes <= out.cols; i += kLanes) store_int8(to + i, element(i, AllLanes{}));
  if (i < out.cols) store_int8(to + i, element(i, first_lanes(out.cols - i)));
  clear_tail(to, out);
}

void quantise_int8(MatrixView x, const float* factors, OperandView out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* row = x.data + r * x.row_stride;
    Chains top = chains_of(0.0F);
    for_vectors(x.cols, [&](int64_t i, int chain, auto lanes) {
      top.part[chain] = larger_magnitude(top.part[chain], times(load(row + i, lanes), factors, i, lanes));
    });
    store_int8_row(row, factors, largest_magnitude(top), r, out);
  }
}

void norm_int8(MatrixView x, MatrixView residual, const NormView& weights, const float* factors, MatrixView hidden,
               OperandView out) {
  for (int64_t r = 0; r < x.rows; ++r) {
    const float* other = residual.data != nullptr ? residual.data + r * residual.row_stride : nullptr;
    float* row = hidden.data + r * hidden.row_stride;
    Chains top = chains_of(0.0F);
    norm_row(x.data + r * x.row_stride, other, x.cols, weights, row, [&](int64_t i, int chain, Vec v, auto lanes) {
      top.part[chain] = larger_magnitude(top.part[chain], keep(times(v, factors, i, lanes), lanes));
    });
    store_int8_row(row, factors, largest_magnitude(top), r, out);
  }
}

}  // namespace
}  // namespace emberline::cpu
