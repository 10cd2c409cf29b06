// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of rows in a lower precision with packed panels, summed in vector registers: what bf16_product_body.h and
// int8_product_body.h share. Those say beforehand what an element is (kPrecision), where sums begin (begin_rows,
// begin_sums) and how they end (Ending, ending_of, numbers_of). The kernels file before them, after its vector_<isa>.h,
// says how it multiplies:
//   kRows, kVectors   a tile: so many rows, so many vectors wide
//   Sums              kLanes sums, f32 for bf16 and int32 for int8
//   Words             kLanes words: 4 bytes of a row, or of a column of weights, in each
//   load_words, splat_word, multiply_add_words(x, w, sums), and as_sums, resting: sums as the bits of a Vec
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/row_passes.h"
#include "backend/cpu/vector_math.h"

namespace emberline::cpu {
namespace {

constexpr int kWordBytes = 4;
constexpr int64_t kGroup = kWordBytes / bytes_of(kPrecision);  // elements of a word
constexpr int64_t kWidth = kVectors * kLanes;
constexpr int64_t kPanelWordBytes = kWidth * kWordBytes;

// Bytes of one panel's slice that stay in the first-level cache while all rows of a block pass over it.
constexpr int64_t kLowSliceBytes = 24 * 1024;

// A block of rows: at most this many, and about this many bytes, so that it stays in the second-level cache.
constexpr int64_t kBlockRows = 128;
constexpr int64_t kBlockBytes = 512 * 1024;

inline int64_t words_of(int64_t elements) {
  return (elements + kGroup - 1) / kGroup;
}

// What one tile computes: rows of x against a slice of one panel.
struct LowTile {
  const uint8_t* x;  // [rows, words] at x_stride bytes
  int64_t x_stride;
  const uint8_t* slice;   // [words, kWidth], each 4 bytes
  int64_t words;          // of this slice
  const int32_t* starts;  // [rows]: where sums of int8 begin
  const float* factors;   // [rows]: scales of x
  const float* scales;    // [kWidth]: scales of the weights
  const float* bias;      // [kWidth]
  bool begins;            // else the sums begin at what `out` holds
  bool ends;              // they become numbers; else they rest in `out` as they are
  float* out;             // [rows, cols] at out_stride
  int64_t out_stride;
  int64_t cols;  // up to the panel's width
};

template <int R, typename Lanes>
inline void load_resting(const LowTile& t, int v, Lanes lanes, Sums (&sums)[R][kVectors]) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) sums[r][v] = as_sums(load(t.out + r * t.out_stride + v * kLanes, lanes));
}

template <int R, typename Lanes>
inline void store_column(const LowTile& t, int v, Lanes lanes, const Sums (&sums)[R][kVectors]) {
  float* out = t.out + v * kLanes;
  const int64_t stride = t.out_stride;
  if (t.ends) {
    const Ending ending = ending_of(t, v);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store(out + r * stride, numbers_of(sums[r][v], ending, t, r), lanes);
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) store(out + r * stride, resting(sums[r][v]), lanes);
  }
}

// Every sum takes the words in order 0, 1, ..., whatever R is and wherever they are cut into slices: a sum that rests
// in `out` between two slices is not rounded again.
template <int R>
[[gnu::noinline]] void run_low_tile(const LowTile& t) {
  Sums sums[R][kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const int64_t left = t.cols - v * kLanes;
    if (t.begins || left <= 0) {
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][v] = begin_sums(t.bias + v * kLanes, t.starts + r);
    } else if (left >= kLanes) {
      load_resting<R>(t, v, AllLanes{}, sums);
    } else {
      load_resting<R>(t, v, first_lanes(left), sums);
    }
  }
  const int64_t x_stride = t.x_stride;
  // A pointer for each three rows, as in product_body.h.
  constexpr int kPointers = (R + 2) / 3;
  const uint8_t* rows[kPointers];
#pragma GCC unroll 16
  for (int i = 0; i < kPointers; ++i) {
    rows[i] = t.x + 3 * i * x_stride;
    __asm__("" : "+r"(rows[i]));
  }
  const uint8_t* w = t.slice;
  const auto step = [&](int64_t j) __attribute__((always_inline)) {
    Words columns[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) columns[v] = load_words(w + (j * kVectors + v) * kLanes * kWordBytes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Words row = splat_word(rows[r / 3] + (r % 3 * x_stride + j * kWordBytes));
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sums[r][v] = multiply_add_words(row, columns[v], sums[r][v]);
    }
  };
  int64_t k = t.words;
  for (; k >= 2; k -= 2, w += 2 * kPanelWordBytes) {
    step(0);
    step(1);
#pragma GCC unroll 16
    for (int i = 0; i < kPointers; ++i) rows[i] += 2 * kWordBytes;
  }
  if (k > 0) step(0);
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const int64_t left = t.cols - v * kLanes;
    if (left >= kLanes) {
      store_column<R>(t, v, AllLanes{}, sums);
    } else if (left > 0) {
      store_column<R>(t, v, first_lanes(left), sums);
    }
  }
}

template <int R>
inline void run_low_tile_of(int64_t rows, const LowTile& t) {
  if constexpr (R > 1) {
    if (rows < R) return run_low_tile_of<R - 1>(rows, t);
  }
  run_low_tile<R>(t);
}

// A block of rows against one panel. `tile` is that of the first rows but for the slice's bounds; finish(row, rows) is
// called for each tile as its numbers lie in `out`. What follows the panel, `after` of `after_bytes`, may be null.
template <typename Finish>
inline void run_panel(LowTile tile, int64_t rows, int64_t words, const uint8_t* after, int64_t after_bytes,
                      Finish finish) {
  const LowTile first_rows = tile;
  const int64_t tiles = (rows + kRows - 1) / kRows;
  const int64_t most_words = kLowSliceBytes / kPanelWordBytes;
  const int64_t slices = words > most_words ? (words + most_words - 1) / most_words : 1;
  int64_t done = 0;
  for (int64_t s = 0; s < slices; ++s) {
    tile = first_rows;
    tile.x += done * kWordBytes;
    tile.slice += done * kPanelWordBytes;
    tile.words = (words - done) / (slices - s);
    tile.begins = s == 0;
    tile.ends = s == slices - 1;
    // The slice that follows is fetched while this one is multiplied.
    const int64_t slice_bytes = tile.words * kPanelWordBytes;
    const uint8_t* next = tile.ends ? after : tile.slice + slice_bytes;
    const int64_t next_bytes = tile.ends && after_bytes < slice_bytes ? after_bytes : slice_bytes;
    int64_t row = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t count = (rows - row) / (tiles - i);
      const int64_t end = next_bytes * (i + 1) / tiles;
      for (int64_t b = next_bytes * i / tiles; b < end; b += 64) __builtin_prefetch(next + b, 0, 2);
      run_low_tile_of<kRows>(count, tile);
      if (tile.ends) finish(row, count);
      tile.x += count * tile.x_stride;
      if (kPrecision == Precision::kInt8) {
        tile.starts += count;
        tile.factors += count;
      }
      tile.out += count * tile.out_stride;
      row += count;
    }
    done += tile.words;
  }
}

// A block of rows, at most kBlockRows, against all panels. panel_out(column) is where a panel's numbers go:
// [rows, kWidth] at out_stride. finish(column, row, rows) is called for each tile.
template <typename PanelOut, typename Finish>
inline void run_low_block(OperandView x, const PackedView& w, PanelOut panel_out, int64_t out_stride, Finish finish) {
  const int64_t words = words_of(w.in_features);
  int32_t starts[kBlockRows];
  begin_rows(x, starts);
  LowTile tile = {};
  tile.x = static_cast<const uint8_t*>(x.data);
  tile.x_stride = x.row_stride * bytes_of(kPrecision);
  tile.slice = static_cast<const uint8_t*>(w.data);
  tile.starts = starts;
  tile.factors = x.scales;
  tile.out_stride = out_stride;
  for (int64_t c = 0; c < w.out_features; c += kWidth) {
    if (kPrecision == Precision::kInt8) tile.scales = w.scales + c;
    tile.bias = w.bias + c;
    tile.out = panel_out(c);
    tile.cols = w.out_features - c < kWidth ? w.out_features - c : kWidth;
    const int64_t panel_bytes = words * kPanelWordBytes;
    const bool last = c + kWidth >= w.out_features;
    const auto* after = last ? static_cast<const uint8_t*>(w.next) : tile.slice + panel_bytes;
    run_panel(tile, x.rows, words, after, last ? w.next_bytes : panel_bytes,
              [&](int64_t row, int64_t count) { finish(c, row, count); });
    tile.slice += panel_bytes;
  }
}

inline OperandView block_of(const OperandView& x, int64_t first, int64_t count) {
  return rows_of(x, first, count, kPrecision);
}

// Calls body(first row, rows) for blocks of nearly equal height.
template <typename Body>
inline void for_blocks(int64_t rows, int64_t most, Body body) {
  const int64_t blocks = (rows + most - 1) / most;
  int64_t row = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t count = (rows - row) / (blocks - i);
    body(row, count);
    row += count;
  }
}

inline int64_t rows_of_block(OperandView x) {
  const int64_t fitting = kBlockBytes / (x.row_stride * bytes_of(kPrecision)) + 1;
  return fitting < kBlockRows ? fitting : kBlockRows;
}

// Columns a panel has of a product.
inline int64_t cols_of_panel(const PackedView& w, int64_t column) {
  return w.out_features - column < kWidth ? w.out_features - column : kWidth;
}

void product(OperandView x, const PackedView& w, Activation activation, MatrixView out) {
  for_blocks(x.rows, rows_of_block(x), [&](int64_t first, int64_t rows) {
    float* to = out.data + first * out.row_stride;
    const auto finish = [&](int64_t column, int64_t row, int64_t count) {
      if (activation == Activation::kNone) return;
      float* numbers = to + row * out.row_stride + column;
      with_coarse_activation(activation, [&](auto activated_of) {
        for (int64_t r = 0; r < count; ++r, numbers += out.row_stride) {
          for_vectors(cols_of_panel(w, column), [&](int64_t i, int, auto lanes) {
            store(numbers + i, activated_of(load(numbers + i, lanes)), lanes);
          });
        }
      });
    };
    run_low_block(block_of(x, first, rows), w, [&](int64_t c) { return to + c; }, out.row_stride, finish);
  });
}

int64_t packed_bytes(int64_t out_features, int64_t in_features) {
  return (out_features + kWidth - 1) / kWidth * words_of(in_features) * kPanelWordBytes;
}

// Elements of one column of weights, kLanes from k on; zeros past its end.
inline Vec load_column(const float* column, int64_t k, int64_t in_features) {
  const int64_t left = in_features - k;
  return left >= kLanes ? load(column + k) : left > 0 ? load(column + k, first_lanes(left)) : splat(0.0F);
}

// pack_words(column, n, first, words): words [first, first + kLanes) of column n, or of padding where `column` is null.
template <typename PackWords>
inline void pack_panels(MatrixView weight, void* packed, PackWords pack_words) {
  const int64_t words = words_of(weight.cols);
  auto* panel = static_cast<uint8_t*>(packed);
  for (int64_t c = 0; c < weight.rows; c += kWidth, panel += words * kPanelWordBytes) {
    for (int64_t i = 0; i < kWidth; i += kLanes) {
      for (int64_t k = 0; k < words; k += kLanes) {
        Vec columns[kLanes];
        for (int64_t r = 0; r < kLanes; ++r) {
          alignas(64) uint8_t bytes[kLanes * kWordBytes];
          const int64_t n = c + i + r;
          pack_words(n < weight.rows ? weight.data + n * weight.row_stride : nullptr, n, k, bytes);
          columns[r] = load(reinterpret_cast<const float*>(bytes));
        }
        transpose(columns);
        uint8_t* to = panel + k * kPanelWordBytes + i * kWordBytes;
        for (int64_t r = 0; r < kLanes && k + r < words; ++r) {
          store(reinterpret_cast<float*>(to + r * kPanelWordBytes), columns[r]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace emberline::cpu
