// SPDX-License-Identifier: Apache-2.0
#pragma once
// Matrix product over packed panels. Included by a kernels_<isa>.cc after its vector_<isa>.h; the file gives the
// panels' widths in vectors, kWide and kNarrow, and tile_rows(width): how many rows' sums fit the registers.
#include "backend/cpu/kernels.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

// Bytes of one panel's slice that stay in the first-level cache while all rows of a block pass over it.
constexpr int64_t kSliceBytes = 36 * 1024;

// A block of x: at most this deep, and of this many floats.
constexpr int64_t kBlockDepth = 1024;
constexpr int64_t kBlockFloats = 128 * 1024;

// What one tile computes: rows of x against a slice of one panel.
struct Tile {
  const float* x;  // [rows, depth] at x_stride
  int64_t x_stride;
  const float* slice;  // [depth, width]
  int64_t depth;
  const float* bias;  // [width], or null; not read where `resumes`
  bool resumes;       // the sums begin at what `out` holds
  float* out;         // [rows, cols] at out_stride
  int64_t out_stride;
  int64_t cols;        // up to the panel's width
  const char* fetch;   // memory to bring into the second-level cache meanwhile,
  int64_t fetch_step;  // so many bytes for each pair of k
};

// Every sum is the chain fma(x[k], b[k], ...) for k = 0, 1, ..., begun at the bias, whatever R is and wherever k is cut
// into slices: a sum that rests in `out` between two slices is not rounded again.
template <int R, int V>
[[gnu::noinline]] void run_tile(const Tile& t) {
  const int64_t x_stride = t.x_stride;
  const int64_t out_stride = t.out_stride;
  Vec sums[R][V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const int64_t left = t.cols - v * kLanes;
    if (t.resumes && left >= kLanes) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][v] = load(t.out + r * out_stride + v * kLanes);
    } else if (t.resumes && left > 0) {
      const Mask mask = first_lanes(left);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][v] = load(t.out + r * out_stride + v * kLanes, mask);
    } else {
      const Vec start = t.bias != nullptr ? load(t.bias + v * kLanes) : splat(0.0F);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][v] = start;
    }
  }
  // A pointer for each three rows, so that the loop adds up no addresses: that would take the ports which multiply.
  // The compiler is kept from deriving one from the other.
  constexpr int kPointers = (R + 2) / 3;
  const float* rows[kPointers];
#pragma GCC unroll 16
  for (int i = 0; i < kPointers; ++i) {
    rows[i] = t.x + 3 * i * x_stride;
    __asm__("" : "+r"(rows[i]));
  }
  const float* b = t.slice;
  const char* fetch = t.fetch;
  const auto step = [&](int64_t j) __attribute__((always_inline)) {
    Vec row[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) row[v] = load(b + (j * V + v) * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec a = splat(rows[r / 3][r % 3 * x_stride + j]);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sums[r][v] = multiply_add(a, row[v], sums[r][v]);
    }
  };
  int64_t k = t.depth;
  for (; k >= 2; k -= 2, b += 2 * V * kLanes) {
    step(0);
    step(1);
    // A little at a time: many at once wait for one another, and the products for them.
    __builtin_prefetch(fetch, 0, 2);
    fetch += t.fetch_step;
#pragma GCC unroll 16
    for (int i = 0; i < kPointers; ++i) rows[i] += 2;
  }
  if (k > 0) step(0);
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const int64_t left = t.cols - v * kLanes;
    if (left >= kLanes) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store(t.out + r * out_stride + v * kLanes, sums[r][v]);
    } else if (left > 0) {
      const Mask mask = first_lanes(left);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) store(t.out + r * out_stride + v * kLanes, sums[r][v], mask);
    }
  }
}

template <int R, int V>
inline void run_tile_of(int64_t rows, const Tile& t) {
  if constexpr (R > 1) {
    if (rows < R) return run_tile_of<R - 1, V>(rows, t);
  }
  run_tile<R, V>(t);
}

// All rows against one slice. Tiles are of nearly equal height: 13 rows run as 7 and 6, not as 8 and 5. `next` is the
// slice that follows (null after the last): it is fetched while this one is multiplied.
template <int V>
inline void run_slice(int64_t rows, Tile t, Activation activation, const float* next) {
  const int64_t tiles = (rows + tile_rows(V) - 1) / tile_rows(V);
  const int64_t pairs = t.depth > 1 ? t.depth / 2 : 1;
  const int64_t next_bytes = next != nullptr ? t.depth * V * kLanes * static_cast<int64_t>(sizeof(float)) : 0;
  t.fetch = reinterpret_cast<const char*>(next != nullptr ? next : t.slice);
  t.fetch_step = tiles > 0 ? (next_bytes + tiles * pairs - 1) / (tiles * pairs) : 0;
  int64_t done = 0;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t count = (rows - done) / (tiles - i);
    run_tile_of<tile_rows(V), V>(count, t);
    if (activation != Activation::kNone) activate({t.out, count, t.cols, t.out_stride}, activation);
    t.x += count * t.x_stride;
    t.out += count * t.out_stride;
    t.fetch += pairs * t.fetch_step;
    done += count;
  }
}

// All rows of a block against columns [first, first + depth) of all panels.
template <int V>
inline void run_block(MatrixView x, int64_t first, int64_t depth, const PanelsView& b, Activation activation,
                      MatrixView out) {
  constexpr int64_t kWidth = V * kLanes;
  constexpr int64_t kSlice = kSliceBytes / (kWidth * static_cast<int64_t>(sizeof(float)));
  const int64_t slices = depth > kSlice ? (depth + kSlice - 1) / kSlice : 1;
  const bool ends = first + depth == b.k;
  for (int64_t c = 0; c < b.cols; c += kWidth) {
    const float* panel = b.data + c * b.k;
    const float* next_panel = c + kWidth < b.cols ? panel + kWidth * b.k : nullptr;
    int64_t done = 0;
    for (int64_t s = 0; s < slices; ++s) {
      const int64_t part = (depth - done) / (slices - s);
      const int64_t k = first + done;
      const bool last = s == slices - 1;
      const float* next = !last                   ? panel + (k + part) * kWidth
                          : next_panel != nullptr ? next_panel + first * kWidth
                                                  : nullptr;
      const Tile tile = {x.data + k,
                         x.row_stride,
                         panel + k * kWidth,
                         part,
                         b.bias != nullptr ? b.bias + c : nullptr,
                         k > 0,
                         out.data + c,
                         out.row_stride,
                         b.cols - c < kWidth ? b.cols - c : kWidth,
                         nullptr,
                         0};
      run_slice<V>(x.rows, tile, last && ends ? activation : Activation::kNone, next);
      done += part;
    }
  }
}

// Blocks of x, and a panel's part beside them, stay in the second-level cache while all panels pass over them.
void product(MatrixView x, const PanelsView& b, Activation activation, MatrixView out) {
  const int64_t cuts = b.k > kBlockDepth ? (b.k + kBlockDepth - 1) / kBlockDepth : 1;
  const int64_t longest = (b.k + cuts - 1) / cuts;
  const int64_t most_rows = longest > 0 ? kBlockFloats / longest + 1 : x.rows + 1;
  const int64_t blocks = (x.rows + most_rows - 1) / most_rows;
  int64_t row = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t count = (x.rows - row) / (blocks - i);
    const MatrixView xs = {x.data + row * x.row_stride, count, x.cols, x.row_stride};
    const MatrixView outs = {out.data + row * out.row_stride, count, out.cols, out.row_stride};
    int64_t first = 0;
    for (int64_t cut = 0; cut < cuts; ++cut) {
      const int64_t depth = (b.k - first) / (cuts - cut);
      if (b.panel_cols == kWide * kLanes) {
        run_block<kWide>(xs, first, depth, b, activation, outs);
      } else {
        run_block<kNarrow>(xs, first, depth, b, activation, outs);
      }
      first += depth;
    }
    row += count;
  }
}

void pack(MatrixView source, int64_t panel_cols, float* panels) {
  for (int64_t c = 0; c < source.cols; c += panel_cols) {
    for (int64_t k = 0; k < source.rows; ++k, panels += panel_cols) {
      const float* row = source.data + k * source.row_stride + c;
      for (int64_t i = 0; i < panel_cols; i += kLanes) {
        const int64_t left = source.cols - c - i;
        store(panels + i, left >= kLanes ? load(row + i) : left > 0 ? load(row + i, first_lanes(left)) : splat(0.0F));
      }
    }
  }
}

// Writes source[rows first.., k] as columns: kLanes of them, zeros for rows beyond the last.
inline void pack_columns(MatrixView source, int64_t first, int64_t panel_cols, float* columns) {
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
    for (int64_t i = 0; i < depth; ++i) store(columns + (k + i) * panel_cols, block[i]);
  }
}

void pack_transposed(MatrixView source, int64_t panel_cols, float* panels) {
  for (int64_t c = 0; c < source.rows; c += panel_cols, panels += panel_cols * source.cols) {
    for (int64_t i = 0; i < panel_cols; i += kLanes) pack_columns(source, c + i, panel_cols, panels + i);
  }
}

}  // namespace
}  // namespace emberline::cpu
