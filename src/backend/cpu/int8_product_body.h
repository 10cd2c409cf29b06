// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of int8 rows with int8 weights. Included by a kernels_<isa>_int8.cc after its vector_<isa>.h, what
// low_product_body.h asks for, and
//   as_floats(sums)
//   kRaised   what is added to each weight as it is packed, for instructions that take one factor without sign: the
//             weights, so that operands stay as they are. A row's sums then begin at -kRaised times its elements' sum.
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {
namespace {

constexpr Precision kPrecision = Precision::kInt8;

inline Sums begin_sums(const float*, const int32_t* start) {
  return (Sums)splat_word(reinterpret_cast<const uint8_t*>(start));
}

// Where the sums of a row begin.
inline int32_t first_sum(const uint8_t* row, int64_t words) {
  if (kRaised == 0) return 0;
  // The last vector may pass the row's end: zeros follow it.
  const int32_t zero = 0;
  const Words ones = splat_word(reinterpret_cast<const uint8_t*>("\1\1\1\1"));
  Sums sums = begin_sums(nullptr, &zero);
  for (int64_t k = 0; k < words; k += kLanes) sums = multiply_add_words(load_words(row + 4 * k), ones, sums);
  return -kRaised * static_cast<int32_t>(sum_lanes(as_floats(sums)));  // exact: below 2^24
}

inline void begin_rows(OperandView x, int32_t* starts) {
  const auto* row = static_cast<const uint8_t*>(x.data);
  for (int64_t r = 0; r < x.rows; ++r, row += x.row_stride) starts[r] = first_sum(row, (x.cols + 3) / 4);
}

// What makes numbers of a vector of sums: sum * scale of its column * scale of its row + bias.
struct Ending {
  Vec scale;
  Vec bias;
};

template <typename Tile>
inline Ending ending_of(const Tile& t, int v) {
  return {load(t.scales + v * kLanes), load(t.bias + v * kLanes)};
}
template <typename Tile>
inline Vec numbers_of(Sums sums, const Ending& ending, const Tile& t, int r) {
  return multiply_add(as_floats(sums) * ending.scale, splat(t.factors[r]), ending.bias);
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/int8_rowwise_body.h"
#include "backend/cpu/low_product_body.h"

namespace emberline::cpu {
namespace {

// Numbers that wait for their row's largest magnitude: so many floats, in the second-level cache.
constexpr int64_t kWaitingFloats = 128 * 1024;

// Rows in multiples of kRows, for tiles of full height.
inline int64_t waiting_rows(int64_t out_features) {
  const int64_t fitting = kWaitingFloats / (out_features + 1) / kRows * kRows;
  const int64_t most = kBlockRows / kRows * kRows;
  return fitting < kRows ? kRows : fitting < most ? fitting : most;
}
// Whole vectors, and no multiple of 4096 bytes: rows that far apart would share one set of the first-level cache.
inline int64_t waiting_stride(int64_t out_features) {
  return (out_features + 15) / 16 * 16 + 16;
}

int64_t scratch_bytes(int64_t out_features) {
  return waiting_rows(out_features) * waiting_stride(out_features) * static_cast<int64_t>(sizeof(float));
}

void product_activated(OperandView x, const PackedView& w, Activation activation, OperandView out, void* scratch) {
  float* waiting = static_cast<float*>(scratch);
  const int64_t stride = waiting_stride(w.out_features);
  for_blocks(x.rows, waiting_rows(w.out_features), [&](int64_t first, int64_t rows) {
    Vec largest[kBlockRows];
    for (int64_t r = 0; r < rows; ++r) largest[r] = splat(0.0F);
    const auto finish = [&](int64_t column, int64_t row, int64_t count) {
      const int64_t left = cols_of_panel(w, column);
      float* numbers = waiting + row * stride + column;
      with_coarse_activation(activation, [&](auto activated_of) {
        for (int64_t r = 0; r < count; ++r, numbers += stride) {
          Vec top = largest[row + r];
          for_vectors(left, [&](int64_t i, int, auto lanes) {
            const Vec v = activated_of(load(numbers + i, lanes));
            store(numbers + i, v, lanes);
            top = larger_magnitude(top, keep(v, lanes));
          });
          largest[row + r] = top;
        }
      });
    };
    run_low_block(block_of(x, first, rows), w, [&](int64_t c) { return waiting + c; }, stride, finish);
    for (int64_t r = 0; r < rows; ++r) {
      store_int8_row(waiting + r * stride, nullptr, largest_magnitude(largest[r]), first + r, out);
    }
  });
}

void pack(MatrixView weight, const float* scales, void* packed) {
  pack_panels(weight, packed, [&](const float* column, int64_t n, int64_t first, uint8_t* words) {
    const bool zero = column == nullptr || !(scales[n] > 0);
    for (int64_t g = 0; g < kGroup; ++g) {
      const Vec v = zero ? splat(0.0F) : load_column(column, first * kGroup + g * kLanes, weight.cols);
      // A true division: the nearest multiple of the scale.
      store_int8(reinterpret_cast<int8_t*>(words) + g * kLanes, zero ? v : v / splat(scales[n]));
    }
    for (int64_t i = 0; i < kLanes * kWordBytes; ++i) words[i] = static_cast<uint8_t>(words[i] + kRaised);
  });
}

}  // namespace
}  // namespace emberline::cpu
