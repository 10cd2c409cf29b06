// SPDX-License-Identifier: Apache-2.0
#pragma once
// What queries and keys add to the scores of an attention step by the distance between them (TermsView). Included by
// amx_attention_body.h.
//
// A query's terms are one row of products with the columns of all distances that its keys have: a row of scores adds
// sixteen neighbours of it. A key's terms are one column of such products; there the sixteen keys of a row of scores
// lie on a diagonal, which is straightened in registers. Columns that several distances share are spread as they are
// read.
#include "backend/cpu/amx_tiles.h"
#include "backend/cpu/bf16_attention_pack.h"
#include "backend/cpu/bf16_softmax.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {
namespace {

// Tile registers, free between the stages of attention. Of these, left ones and sums have as many rows as a block of
// queries, the right one has 16.
#define EMB_SUMS 5
#define EMB_LEFT 6
#define EMB_RIGHT 7

// out[u] = lane i of row(u + i) in lane i: the diagonals of a block of 31 rows.
template <typename Row>
[[gnu::always_inline]] inline void straighten(Row row, __m512 (&out)[16]) {
  __m512 rows[23];
#pragma GCC unroll 23
  for (int m = 0; m < 23; ++m) rows[m] = _mm512_mask_loadu_ps(_mm512_loadu_ps(row(m)), 0xff00, row(m + 8));
#pragma GCC unroll 19
  for (int m = 0; m < 19; ++m) rows[m] = _mm512_mask_mov_ps(rows[m], 0xf0f0, rows[m + 4]);
#pragma GCC unroll 17
  for (int m = 0; m < 17; ++m) rows[m] = _mm512_mask_mov_ps(rows[m], 0xcccc, rows[m + 2]);
#pragma GCC unroll 16
  for (int m = 0; m < 16; ++m) out[m] = _mm512_mask_mov_ps(rows[m], 0xaaaa, rows[m + 1]);
}

// A step as its terms see it.
struct TermsStep {
  int64_t head = 0;
  int64_t distance = 0;  // from the block's first query to the chunk's first key
  int64_t rows = 0;      // queries
  int64_t tiles = 0;     // of keys, at most kMostKeyTiles
};

// Terms of one step at a time.
class AmxDistanceTerms {
 public:
  static constexpr int64_t kMostKeyTiles = 8;
  // A block of queries and that many keys have up to 143 distances, which lie in up to 10 tiles of columns; 16 floats
  // more may be read.
  static constexpr int64_t kQueryStride = 176;
  // Products of a tile of keys: up to 31 columns, rounded up to whole blocks, of 16 keys.
  static constexpr int64_t kKeyProducts = 48 * kKeysOfTile;
  // Of 1024 bytes.
  static constexpr int64_t kScratchTiles = (kTileRows * kQueryStride + 2 * kKeyProducts) / 256;

  // block: rows of a tile of queries. scratch: kScratchTiles tiles.
  AmxDistanceTerms(const TermsView& terms, int64_t dim_chunks, int64_t block, unsigned char* scratch)
      : terms_(terms),
        dim_chunks_(dim_chunks),
        block_(block),
        query_products_(reinterpret_cast<float*>(scratch)),
        key_products_(reinterpret_cast<float*>(scratch) + kTileRows * kQueryStride) {}

  bool exist() const { return terms_.column_of != nullptr; }

  // Adds them to the scores of a step. queries: rows of a tile; keys and scores: tiles. Reads and writes tile
  // registers.
  [[gnu::noinline]] void add(const TermsStep& step, const uint16_t* queries, int64_t query_stride, const uint32_t* keys,
                             float* scores) {
    finish_stores();
    const int32_t* column = terms_.column_of + step.distance;
    if (terms_.by_query != nullptr) multiply_queries(step, queries, query_stride);
    // One tile behind the products, so that nothing waits for what tiles have just stored.
    for (int64_t t = 0; t <= step.tiles; ++t) {
      if (t < step.tiles && terms_.by_key != nullptr) {
        multiply_keys(step.head, keys + t * dim_chunks_ * kTileDwords, column[1 - step.rows], column[kKeysOfTile - 1],
                      products_of(t));
      }
      finish_stores();
      if (t > 0) add_tile(column - kKeysOfTile, step.rows, products_of(t - 1), scores + (t - 1) * kScoreTile);
      column += kKeysOfTile;
    }
  }

 private:
  float* products_of(int64_t t) const { return key_products_ + t % 2 * kKeyProducts; }

  // A block of queries with the tiles of columns of all distances that it has to the chunk's keys.
  void multiply_queries(const TermsStep& step, const uint16_t* queries, int64_t query_stride) {
    const int32_t* column = terms_.column_of + step.distance;
    const int64_t first = column[1 - step.rows] / kTileRows;
    const int64_t last = column[kKeysOfTile * step.tiles - 1] / kTileRows;
    first_column_ = first * kTileRows;
    const uint16_t* columns = terms_.by_query + step.head * terms_.head_stride + first * dim_chunks_ * kTileWords;
    for (int64_t t = 0; t <= last - first; ++t) {
      _tile_zero(EMB_SUMS);
      for (int64_t c = 0; c < dim_chunks_; ++c, columns += kTileWords) {
        _tile_loadd(EMB_LEFT, queries + c * kDimsOfTile, query_stride * 2);
        _tile_loadd(EMB_RIGHT, columns, 64);
        _tile_dpbf16ps(EMB_SUMS, EMB_LEFT, EMB_RIGHT);
      }
      _tile_stored(EMB_SUMS, query_products_ + t * kTileRows, kQueryStride * 4);
    }
  }

  // out [columns, 16 keys] = columns from `first` to `last`, as many at a time as a tile has rows, with a tile of keys.
  void multiply_keys(int64_t head, const uint32_t* keys, int64_t first, int64_t last, float* out) const {
    const int64_t dims = dim_chunks_ * kDimsOfTile;
    const uint16_t* rows = terms_.by_key + head * terms_.head_stride + first * dims;
    for (; first <= last; first += block_, rows += block_ * dims, out += block_ * kKeysOfTile) {
      _tile_zero(EMB_SUMS);
      for (int64_t c = 0; c < dim_chunks_; ++c) {
        _tile_loadd(EMB_LEFT, rows + c * kDimsOfTile, dims * 2);
        _tile_loadd(EMB_RIGHT, keys + c * kTileDwords, 64);
        _tile_dpbf16ps(EMB_SUMS, EMB_LEFT, EMB_RIGHT);
      }
      _tile_stored(EMB_SUMS, out, 64);
    }
  }

  // column: of the distance from the block's first query to the tile's first key. Rows behind the block's last are any
  // numbers, and stay that.
  void add_tile(const int32_t* column, int64_t rows, const float* key_products, float* scores) const {
    const float* products = key_products - column[1 - rows] * kKeysOfTile;  // of column 0, as if it were there
    // No two distances of the tile share a column.
    if (column[kKeysOfTile - 1] - column[1 - rows] == kKeysOfTile + rows - 2) {
      add_columns<true>(column, products, scores);
    } else {
      add_columns<false>(column, products, scores);
    }
  }

  template <bool kStraight>
  void add_columns(const int32_t* column, const float* key_products, float* scores) const {
    if (terms_.by_query != nullptr) {
      const float* products = query_products_ - first_column_;
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) {
        const int64_t first = kStraight ? column[0] - r : column[-r];
        __m512 terms = _mm512_loadu_ps(products + r * kQueryStride + first);
        if constexpr (!kStraight) {
          const __m512i columns = _mm512_loadu_si512(column - r);
          terms = _mm512_permutexvar_ps(_mm512_sub_epi32(columns, _mm512_set1_epi32(column[-r])), terms);
        }
        _mm512_store_ps(scores + r * 16, _mm512_add_ps(_mm512_load_ps(scores + r * 16), terms));
      }
    }
    if (terms_.by_key != nullptr) {
      // Row m is that of the distance that lies m - 15 behind.
      const float* straight = key_products + (column[0] - 15) * kKeysOfTile;
      __m512 terms[16];
      straighten(
          [&](int m) { return kStraight ? straight + m * kKeysOfTile : key_products + column[m - 15] * kKeysOfTile; },
          terms);
#pragma GCC unroll 16
      for (int r = 0; r < kTileRows; ++r) {
        _mm512_store_ps(scores + r * 16, _mm512_add_ps(_mm512_load_ps(scores + r * 16), terms[15 - r]));
      }
    }
  }

  TermsView terms_;
  int64_t dim_chunks_;
  int64_t block_;
  float* query_products_;  // [16, kQueryStride]: columns from first_column_ on
  float* key_products_;    // [2, kKeyProducts]: of a tile, columns from its nearest distance's on
  int64_t first_column_ = 0;
};

#undef EMB_SUMS
#undef EMB_LEFT
#undef EMB_RIGHT

}  // namespace
}  // namespace emberline::cpu
