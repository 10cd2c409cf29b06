// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of bf16 rows with bf16 weights. Included by a kernels_<isa>_bf16.cc after its vector_<isa>.h, store_bf16 and
// what low_product_body.h asks for.
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {
namespace {

constexpr Precision kPrecision = Precision::kBf16;

inline Sums begin_sums(const float* bias, const int32_t*) {
  return load(bias);
}

inline void begin_rows(OperandView, int32_t*) {}

struct Ending {};

template <typename Tile>
inline Ending ending_of(const Tile&, int) {
  return {};
}
template <typename Tile>
inline Vec numbers_of(Sums sums, const Ending&, const Tile&, int) {
  return sums;
}

}  // namespace
}  // namespace emberline::cpu

#include "backend/cpu/bf16_rowwise_body.h"
#include "backend/cpu/low_product_body.h"

namespace emberline::cpu {
namespace {

void product_activated(OperandView x, const PackedView& w, Activation activation, OperandView out, void*) {
  alignas(64) float panel[kBlockRows * kWidth];
  for_blocks(x.rows, rows_of_block(x), [&](int64_t first, int64_t rows) {
    const auto finish = [&](int64_t column, int64_t row, int64_t count) {
      const int64_t left = cols_of_panel(w, column);
      float* numbers = panel + row * kWidth;
      with_coarse_activation(activation, [&](auto activated_of) {
        for (int64_t r = 0; r < count; ++r, numbers += kWidth) {
          uint16_t* to = bf16_row(out, first + row + r) + column;
          for_vectors(left, [&](int64_t i, int, auto lanes) {
            store_bf16(to + i, keep(activated_of(load(numbers + i, lanes)), lanes));
          });
        }
      });
    };
    run_low_block(block_of(x, first, rows), w, [&](int64_t) { return panel; }, kWidth, finish);
    for (int64_t r = first; r < first + rows; ++r) clear_tail(bf16_row(out, r), out);
  });
}

int64_t scratch_bytes(int64_t) {
  return 0;
}

void pack(MatrixView weight, const float*, void* packed) {
  pack_panels(weight, packed, [&](const float* column, int64_t, int64_t first, uint8_t* words) {
    auto* elements = reinterpret_cast<uint16_t*>(words);
    for (int64_t g = 0; g < kGroup; ++g) {
      store_bf16(elements + g * kLanes,
                 load_column(column, first * kGroup + g * kLanes, column != nullptr ? weight.cols : 0));
    }
  });
}

}  // namespace
}  // namespace emberline::cpu
