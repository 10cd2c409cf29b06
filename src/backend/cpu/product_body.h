// SPDX-License-Identifier: Apache-2.0
#pragma once
// Matrix product over packed panels. Included by a kernels_<isa>.cc after its Vec and the functions on it; the file
// sets the tile: kTileRows rows by kTileVectors vectors, whose sums stay in registers through the whole of k.
#include "backend/cpu/kernels.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kPanelCols = kTileVectors * kLanes;

// Floats of x that stay in the second-level cache while all panels pass over them.
constexpr int64_t kBlockFloats = 128 * 1024;

// One tile: rows [R] of x against one panel. Every sum is the chain fma(x[k], b[k], ...) for k = 0, 1, ..., begun at
// the bias, whatever R is.
template <int R>
[[gnu::noinline]] void tile(MatrixView x, const float* panel, const float* bias, MatrixView out) {
  Vec sums[R][kTileVectors];
  for (int v = 0; v < kTileVectors; ++v) {
    const Vec start = bias != nullptr ? load(bias + v * kLanes) : splat(0.0F);
    for (int r = 0; r < R; ++r) sums[r][v] = start;
  }
  const int64_t stride = x.row_stride;
  const float* row = x.data;
  for (int64_t k = 0; k < x.cols; ++k, ++row, panel += kPanelCols) {
    Vec b[kTileVectors];
    for (int v = 0; v < kTileVectors; ++v) b[v] = load(panel + v * kLanes);
    for (int r = 0; r < R; ++r) {
      const Vec a = splat(row[r * stride]);
      for (int v = 0; v < kTileVectors; ++v) sums[r][v] = multiply_add(a, b[v], sums[r][v]);
    }
  }
  for (int v = 0; v < kTileVectors; ++v) {
    const int64_t left = out.cols - v * kLanes;
    if (left <= 0) break;
    if (left >= kLanes) {
      for (int r = 0; r < R; ++r) store(out.data + r * out.row_stride + v * kLanes, sums[r][v]);
    } else {
      const Mask mask = first_lanes(left);
      for (int r = 0; r < R; ++r) store(out.data + r * out.row_stride + v * kLanes, sums[r][v], mask);
    }
  }
}

template <int R>
inline void tile_of(MatrixView x, const float* panel, const float* bias, MatrixView out) {
  if constexpr (R > 1) {
    if (x.rows < R) return tile_of<R - 1>(x, panel, bias, out);
  }
  tile<R>(x, panel, bias, out);
}

inline MatrixView rows_of(MatrixView m, int64_t first, int64_t count) {
  return {m.data + first * m.row_stride, count, m.cols, m.row_stride};
}

// Tiles of a block are of nearly equal height: 13 rows run as 7 and 6, not as 12 and 1.
inline void block_by_panel(MatrixView x, const float* panel, const float* bias, Activation activation, MatrixView out) {
  const int64_t tiles = (x.rows + kTileRows - 1) / kTileRows;
  int64_t first = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t count = (x.rows - first) / (tiles - t);
    const MatrixView part = rows_of(out, first, count);
    tile_of<kTileRows>(rows_of(x, first, count), panel, bias, part);
    if (activation != Activation::kNone) activate(part, activation);
    first += count;
  }
}

void product(MatrixView x, const PanelsView& b, Activation activation, MatrixView out) {
  int64_t block = b.k > 0 ? kBlockFloats / b.k : x.rows;
  block = block < 8 * kTileRows ? 8 * kTileRows : block;
  const int64_t blocks = (x.rows + block - 1) / block;
  int64_t first = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t count = (x.rows - first) / (blocks - i);
    const MatrixView xs = rows_of(x, first, count);
    for (int64_t c = 0; c < b.cols; c += kPanelCols) {
      MatrixView part = rows_of(out, first, count);
      part.data += c;
      part.cols = b.cols - c < kPanelCols ? b.cols - c : kPanelCols;
      block_by_panel(xs, b.data + c * b.k, b.bias != nullptr ? b.bias + c : nullptr, activation, part);
    }
    first += count;
  }
}

void pack(MatrixView source, float* panels) {
  for (int64_t c = 0; c < source.cols; c += kPanelCols) {
    for (int64_t k = 0; k < source.rows; ++k, panels += kPanelCols) {
      const float* row = source.data + k * source.row_stride + c;
      for (int v = 0; v < kTileVectors; ++v) {
        const int64_t left = source.cols - c - v * kLanes;
        store(panels + v * kLanes, left >= kLanes ? load(row + v * kLanes)
                                   : left > 0     ? load(row + v * kLanes, first_lanes(left))
                                                  : splat(0.0F));
      }
    }
  }
}

// Writes source[rows first.., k] as columns: kLanes of them, zeros for rows beyond the last.
inline void pack_columns(MatrixView source, int64_t first, float* columns) {
  for (int64_t k = 0; k < source.cols; k += kLanes) {
    const int64_t depth = source.cols - k < kLanes ? source.cols - k : kLanes;
    Vec block[kLanes];
    for (int r = 0; r < kLanes; ++r) {
      const float* row = source.data + (first + r) * source.row_stride + k;
      if (first + r >= source.rows) {
        block[r] = splat(0.0F);
      } else {
        block[r] = depth == kLanes ? load(row) : load(row, first_lanes(depth));
      }
    }
    transpose(block);
    for (int64_t i = 0; i < depth; ++i) store(columns + (k + i) * kPanelCols, block[i]);
  }
}

void pack_transposed(MatrixView source, float* panels) {
  for (int64_t c = 0; c < source.rows; c += kPanelCols, panels += kPanelCols * source.cols) {
    for (int v = 0; v < kTileVectors; ++v) pack_columns(source, c + v * kLanes, panels + v * kLanes);
  }
}

}  // namespace
}  // namespace emberline::cpu
