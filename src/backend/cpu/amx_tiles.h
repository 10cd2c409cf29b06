// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tile registers of AMX. For files that are compiled with it.
#include <immintrin.h>
#include <stdint.h>

namespace emberline::cpu {
namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileBytes = 64;  // of a tile's row

// What _tile_loadconfig reads. Constant memory, because some compilers think it reads eight bytes of it.
struct alignas(64) TileConfig {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
constexpr TileConfig kWholeTiles = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// Tiles are configured while one of these lives. The thread may be a JVM's: nothing stays behind.
class Tiles {
 public:
  Tiles() { _tile_loadconfig(&kWholeTiles); }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

// Some compilers do not know that tile loads read memory: what was stored before this is in memory after it.
inline void finish_stores() {
  __asm__ volatile("" ::: "memory");
}

}  // namespace
}  // namespace emberline::cpu
