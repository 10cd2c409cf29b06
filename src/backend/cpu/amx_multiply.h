// SPDX-License-Identifier: Apache-2.0
#pragma once
// A block of rows times a panel of weights in tile registers. For files that are compiled with AMX.
//
// Weights lie in panels of 32 columns; a panel is a sequence of steps along k of 64 bytes (32 bf16 or 64 int8), and a
// step is two tiles of 16 columns, as the tile products read them: row i of a tile holds bytes 4 i .. 4 i + 3 of the
// step for each of its columns.
#include "backend/cpu/amx_tiles.h"
#include "backend/cpu/operand.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kPanelCols = 32;
constexpr int64_t kBlockRows = 32;
constexpr int64_t kStepBytes = kPanelCols * kTileBytes;

// Sums of a block: tiles of f32 (bf16) or int32 (int8).
constexpr int64_t kSumsRowBytes = kPanelCols * 4;
constexpr int64_t kSumsBytes = kBlockRows * kSumsRowBytes;

// Memory to fetch into the second-level cache, so many lines a step.
struct Fetch {
  const char* at = nullptr;
  int64_t lines = 0;

  [[gnu::always_inline]] void step() {
    for (int64_t i = 0; i < lines; ++i, at += 64) __builtin_prefetch(at, 0, 2);
  }
};

// One block's product: rows of x against one panel.
struct Block {
  const char* x;  // [rows, steps * 64 bytes] at x_row_bytes
  int64_t x_row_bytes;
  const char* panel;  // [steps] of kStepBytes
  int64_t steps;
  const char* begin;  // [rows, kPanelCols] at begin_row_bytes: what the sums begin at; null for zero
  int64_t begin_row_bytes;
  char* sums;  // [rows, kPanelCols] at sums_row_bytes; may be `begin`
  int64_t sums_row_bytes;
};

// sums (tile) += x (tile) * w (tile); tile registers are named by literals only.
#define EMB_MULTIPLY_TILES(sums, x, w)   \
  if constexpr (P == Precision::kBf16) { \
    _tile_dpbf16ps(sums, x, w);          \
  } else {                               \
    _tile_dpbssd(sums, x, w);            \
  }

// Every sum is the chain over k = 0, 1, ... that the tile product makes of it, whatever lies around it and wherever k
// is cut. `H` tiles of rows. meanwhile() is called once a step: vector work of another block, which hides behind the
// tile products.
template <Precision P, int H, typename Meanwhile>
[[gnu::always_inline]] inline void multiply_block(const Block& b, Meanwhile meanwhile) {
  finish_stores();
  if (b.begin != nullptr) {
    _tile_loadd(0, b.begin, b.begin_row_bytes);
    _tile_loadd(1, b.begin + kTileBytes, b.begin_row_bytes);
    if constexpr (H == 2) {
      const char* lower = b.begin + kTileRows * b.begin_row_bytes;
      _tile_loadd(2, lower, b.begin_row_bytes);
      _tile_loadd(3, lower + kTileBytes, b.begin_row_bytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (H == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  const char* x = b.x;
  const char* w = b.panel;
  for (int64_t step = 0; step < b.steps; ++step, x += kTileBytes, w += kStepBytes) {
    _tile_loadd(4, x, b.x_row_bytes);
    _tile_stream_loadd(6, w, kTileBytes);
    EMB_MULTIPLY_TILES(0, 4, 6);
    _tile_stream_loadd(7, w + kStepBytes / 2, kTileBytes);
    EMB_MULTIPLY_TILES(1, 4, 7);
    if constexpr (H == 2) {
      _tile_loadd(5, x + kTileRows * b.x_row_bytes, b.x_row_bytes);
      EMB_MULTIPLY_TILES(2, 5, 6);
      EMB_MULTIPLY_TILES(3, 5, 7);
    }
    meanwhile();
  }
  _tile_stored(0, b.sums, b.sums_row_bytes);
  _tile_stored(1, b.sums + kTileBytes, b.sums_row_bytes);
  if constexpr (H == 2) {
    char* lower = b.sums + kTileRows * b.sums_row_bytes;
    _tile_stored(2, lower, b.sums_row_bytes);
    _tile_stored(3, lower + kTileBytes, b.sums_row_bytes);
  }
}

#undef EMB_MULTIPLY_TILES

}  // namespace
}  // namespace emberline::cpu
