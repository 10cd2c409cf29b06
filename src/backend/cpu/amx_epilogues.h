// SPDX-License-Identifier: Apache-2.0
#pragma once
// What becomes of a product's sums: f32, bf16, or activated as the next operand. For files compiled with AMX.
//
// An epilogue's rows(sums, row, count, col) takes `count` rows of sums, of one panel whose first column is `col`.
#include "backend/cpu/amx_multiply.h"
#include "backend/cpu/bf16_avx512.h"
#include "backend/cpu/bf16_rowwise_body.h"
#include "backend/cpu/int8_rowwise_body.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

// Both vectors of one row of a panel.
struct Pair {
  Vec low, high;
};

// The numbers that sums stand for. bf16: the sums, which began at the bias.
template <Precision P>
class Numbers {
 public:
  Numbers(const OperandView& x, const PackedView& w) : row_scales_(x.scales), scales_(w.scales), bias_(w.bias) {}

  Pair of(const char* sums, int64_t row, int64_t col) const {
    if constexpr (P == Precision::kBf16) {
      const float* s = reinterpret_cast<const float*>(sums);
      return {load(s), load(s + kLanes)};
    } else {
      const Vec scale = splat(row_scales_[row]);
      return {number(sums, scale, col), number(sums + kTileBytes, scale, col + kLanes)};
    }
  }

 private:
  Vec number(const char* sums, Vec scale, int64_t col) const {
    const Vec sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums));
    return multiply_add(sum * scale, load(scales_ + col), load(bias_ + col));
  }

  const float* row_scales_;
  const float* scales_;
  const float* bias_;
};

template <Precision P>
class ToFloats {
 public:
  ToFloats(const OperandView& x, const PackedView& w, MatrixView out) : numbers_(x, w), out_(out) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const {
    const int64_t left = out_.cols - col;
    for (int64_t r = row; r < row + count; ++r, sums += kPanelCols * 4) {
      const Pair v = numbers_.of(sums, r, col);
      float* to = out_.data + r * out_.row_stride + col;
      if (left >= kPanelCols) {
        store(to, v.low);
        store(to + kLanes, v.high);
      } else {
        store(to, v.low, first_lanes(left < kLanes ? left : kLanes));
        if (left > kLanes) store(to + kLanes, v.high, first_lanes(left - kLanes));
      }
    }
  }

  void end_group(int64_t, int64_t) const {}

  static constexpr int64_t kGroupRows = INT64_MAX / 2;

 private:
  Numbers<P> numbers_;
  MatrixView out_;
};

// Rows of bf16 are padded to whole panels, and a panel's padding is zeros: no masks.
inline void store_bf16(uint16_t* p, Pair v) {
  _mm512_storeu_si512(p, (__m512i)_mm512_cvtne2ps_pbh(v.high, v.low));
}

template <Precision P, typename Activate>
class ToBf16 {
 public:
  ToBf16(const OperandView& x, const PackedView& w, Activate activate, OperandView out)
      : numbers_(x, w), activate_(activate), out_(out) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const {
    for (int64_t r = row; r < row + count; ++r, sums += kPanelCols * 4) {
      const Pair v = numbers_.of(sums, r, col);
      uint16_t* to = bf16_row(out_, r);
      store_bf16(to + col, Pair{activate_(v.low), activate_(v.high)});
      if (out_.cols - col <= kPanelCols) clear_tail(to, out_);
    }
  }
  void end_group(int64_t, int64_t) const {}

  static constexpr int64_t kGroupRows = INT64_MAX / 2;

 private:
  Numbers<P> numbers_;
  Activate activate_;
  OperandView out_;
};

// Rows wait in scratch as f32 until all of their panels are there and with them the largest magnitude.
template <typename Activate>
class ToInt8 {
 public:
  ToInt8(const OperandView& x, const PackedView& w, Activate activate, OperandView out, void* scratch)
      : numbers_(x, w),
        activate_(activate),
        out_(out),
        stride_(scratch_stride(w.out_features)),
        tops_(static_cast<float*>(scratch)),
        rows_(tops_ + kGroupRows * kLanes) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const {
    for (int64_t r = row; r < row + count; ++r, sums += kPanelCols * 4) {
      const Pair v = numbers_.of(sums, r, col);
      const Pair a = {activate_(v.low), activate_(v.high)};
      float* to = rows_ + r % kGroupRows * stride_ + col;
      store(to, a.low);
      store(to + kLanes, a.high);
      float* top = tops_ + r % kGroupRows * kLanes;
      const Vec before = col == 0 ? splat(0.0F) : load(top);
      store(top, larger_magnitude(larger_magnitude(before, a.low), a.high));
    }
  }
  void end_group(int64_t row, int64_t count) const {
    for (int64_t r = row; r < row + count; ++r) {
      const int64_t place = r % kGroupRows;
      store_int8_row(rows_ + place * stride_, nullptr, largest_magnitude(load(tops_ + place * kLanes)), r, out_);
    }
  }

  static constexpr int64_t kGroupRows = 32;
  static int64_t scratch_stride(int64_t out_features) {
    // Not a multiple of 4096 bytes: rows that far apart would share one set of the first-level cache.
    return (out_features + kPanelCols - 1) / kPanelCols * kPanelCols + kLanes;
  }
  static int64_t scratch_bytes(int64_t out_features) {
    return kGroupRows * (scratch_stride(out_features) + kLanes) * static_cast<int64_t>(sizeof(float));
  }

 private:
  Numbers<Precision::kInt8> numbers_;
  Activate activate_;
  OperandView out_;
  int64_t stride_;
  float* tops_;  // [kGroupRows, kLanes]
  float* rows_;  // [kGroupRows, out_features] at stride_
};

struct Gelu {
  Vec operator()(Vec v) const { return gelu(v); }
};
struct Unchanged {
  Vec operator()(Vec v) const { return v; }
};
struct Any {
  Activation activation;
  Vec operator()(Vec v) const { return activated(v, activation); }
};

}  // namespace
}  // namespace emberline::cpu
