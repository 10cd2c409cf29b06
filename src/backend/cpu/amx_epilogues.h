// SPDX-License-Identifier: Apache-2.0
#pragma once
// What becomes of a product's sums: f32, bf16, or activated as the next operand. For files compiled with AMX.
//
// An epilogue's rows(sums, row, count, col) takes `count` rows of sums, of one panel whose first column is `col`;
// end_group(row, count) comes when all panels of a group of group_rows() rows are done. partial_sums() is where sums of
// whole blocks may wait for more of k, rows partial_row_bytes() apart: the result's own memory, or null.
#include "backend/cpu/amx_multiply.h"
#include "backend/cpu/bf16_avx512.h"
#include "backend/cpu/bf16_rowwise_body.h"
#include "backend/cpu/gelu_avx512.h"
#include "backend/cpu/int8_from_bf16.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

// Both vectors of one row of a panel.
struct Pair {
  Vec low, high;
};

// The numbers that sums of one panel stand for.
template <Precision P>
class Numbers {
 public:
  Numbers(const OperandView& x, const PackedView& w, int64_t col)
      : row_scales_(x.scales), bias_{load(w.bias + col), load(w.bias + col + kLanes)} {
    if constexpr (P == Precision::kInt8) scales_ = {load(w.scales + col), load(w.scales + col + kLanes)};
  }

  Pair of(const char* sums, int64_t row) const {
    if constexpr (P == Precision::kBf16) {
      const float* s = reinterpret_cast<const float*>(sums);
      return {load(s) + bias_.low, load(s + kLanes) + bias_.high};
    } else {
      const Vec scale = splat(row_scales_[row]);
      const Vec low = _mm512_cvtepi32_ps(_mm512_load_si512(sums)) * scale;
      const Vec high = _mm512_cvtepi32_ps(_mm512_load_si512(sums + kTileBytes)) * scale;
      return {multiply_add(low, scales_.low, bias_.low), multiply_add(high, scales_.high, bias_.high)};
    }
  }

 private:
  const float* row_scales_;
  Pair bias_;
  Pair scales_ = {};
};

template <Precision P, typename Activate>
class ToFloats {
 public:
  ToFloats(const OperandView& x, const PackedView& w, Activate activate, MatrixView out)
      : activate_(activate), out_(out), x_(x), w_(w) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const {
    const int64_t left = out_.cols - col;
    const Numbers<P> numbers(x_, w_, col);
    for (int64_t r = row; r < row + count; ++r, sums += kSumsRowBytes) {
      const Pair sum = numbers.of(sums, r);
      const Pair v = {activate_(sum.low), activate_(sum.high)};
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
  char* partial_sums() const { return out_.cols % kPanelCols == 0 ? reinterpret_cast<char*>(out_.data) : nullptr; }
  int64_t partial_row_bytes() const { return out_.row_stride * 4; }

  int64_t group_rows() const { return INT64_MAX / 2; }

 private:
  Activate activate_;
  MatrixView out_;
  OperandView x_;
  PackedView w_;
};

// Rows of bf16 are padded to whole panels, and a panel's padding is zeros: no masks.
inline void store_bf16(uint16_t* p, Pair v) {
  _mm512_storeu_si512(p, (__m512i)_mm512_cvtne2ps_pbh(v.high, v.low));
}

template <Precision P, typename Activate>
class ToBf16 {
 public:
  ToBf16(const OperandView& x, const PackedView& w, Activate activate, OperandView out)
      : x_(x), w_(w), activate_(activate), out_(out) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const { rows_to(row, sums, row, count, col); }
  // The same, where row `row` of x becomes row `to` of the result.
  void rows_to(int64_t to, const char* sums, int64_t row, int64_t count, int64_t col) const {
    const Numbers<P> numbers(x_, w_, col);
    for (int64_t r = 0; r < count; ++r, sums += kSumsRowBytes) {
      const Pair v = numbers.of(sums, row + r);
      store_bf16(bf16_row(out_, to + r) + col, Pair{activate_(v.low), activate_(v.high)});
    }
  }
  void end_group(int64_t row, int64_t count) const {
    if (out_.row_stride == out_.cols) return;
    for (int64_t r = row; r < row + count; ++r) clear_tail(bf16_row(out_, r), out_);
  }

  char* partial_sums() const { return nullptr; }
  int64_t partial_row_bytes() const { return 0; }

  int64_t group_rows() const { return INT64_MAX / 2; }

 private:
  OperandView x_;
  PackedView w_;
  Activate activate_;
  OperandView out_;
};

// Rows wait in scratch as bf16 until all of their panels are there and with them the largest magnitude: half the
// memory of f32, and its rounding is far below that of int8 for all but the row's largest numbers.
template <typename Activate>
class ToInt8 {
 public:
  ToInt8(const OperandView& x, const PackedView& w, Activate activate, OperandView out, void* scratch)
      : halves_(x, w, activate, {scratch, nullptr, kMostGroupRows, w.out_features, scratch_stride(w.out_features)}),
        waiting_(static_cast<const uint16_t*>(scratch)),
        stride_(scratch_stride(w.out_features)),
        group_rows_(w.in_features * w.out_features <= kWeightsInCache ? kBlockRows : kMostGroupRows),
        out_(out) {}

  void rows(const char* sums, int64_t row, int64_t count, int64_t col) const {
    halves_.rows_to(row % group_rows_, sums, row, count, col);
  }
  void end_group(int64_t row, int64_t count) const {
    for (int64_t r = 0; r < count; ++r) store_int8_row_of_bf16(waiting_ + r * stride_, row + r, out_);
  }
  char* partial_sums() const { return nullptr; }
  int64_t partial_row_bytes() const { return 0; }

  int64_t group_rows() const { return group_rows_; }
  static int64_t scratch_stride(int64_t out_features) { return operand_stride(out_features, Precision::kBf16); }
  static int64_t scratch_bytes(int64_t out_features) {
    return kMostGroupRows * scratch_stride(out_features) * static_cast<int64_t>(sizeof(uint16_t));
  }

 private:
  // All weights pass over a group of rows: few rows stay in cache best where the weights do, too.
  static constexpr int64_t kWeightsInCache = 1 << 20;
  static constexpr int64_t kMostGroupRows = 256;

  ToBf16<Precision::kInt8, Activate> halves_;
  const uint16_t* waiting_;  // [a group of rows, out_features] at stride_
  int64_t stride_;
  int64_t group_rows_;
  OperandView out_;
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
