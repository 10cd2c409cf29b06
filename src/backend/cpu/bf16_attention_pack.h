// SPDX-License-Identifier: Apache-2.0
#pragma once
// Keys and values of one head as products of bf16 pairs read them: tiles of 16 rows of 16 dwords, each dword two
// neighbours in the direction of the sum.
//
// What lies beyond the sequence or beside the head is never read: its place holds zeros, since zero times NaN is NaN.
// For kernels files that are compiled with AVX512_BF16; free of the standard library.
#include <immintrin.h>
#include <stdint.h>

#include "backend/cpu/bf16_softmax.h"

namespace emberline::cpu {
namespace {

constexpr int64_t kKeysOfTile = 16;
constexpr int64_t kDimsOfTile = 32;  // of keys; a tile of values has 16
constexpr int64_t kTileDwords = 16 * 16;
constexpr int64_t kTileWords = 2 * kTileDwords;

inline __mmask32 first_words(int64_t count) {
  return count >= 32 ? 0xffffffffU : count <= 0 ? 0U : (1U << count) - 1U;
}

// Rows become columns, in place.
inline void transpose_dwords(__m512i (&rows)[16]) {
  __m512i fours[16];  // fours[4 j + c], 128-bit part l: column 4 l + c of rows 4 j .. 4 j + 3
#pragma GCC unroll 4
  for (int j = 0; j < 16; j += 4) {
    const __m512i low01 = _mm512_unpacklo_epi32(rows[j], rows[j + 1]);
    const __m512i high01 = _mm512_unpackhi_epi32(rows[j], rows[j + 1]);
    const __m512i low23 = _mm512_unpacklo_epi32(rows[j + 2], rows[j + 3]);
    const __m512i high23 = _mm512_unpackhi_epi32(rows[j + 2], rows[j + 3]);
    fours[j] = _mm512_unpacklo_epi64(low01, low23);
    fours[j + 1] = _mm512_unpackhi_epi64(low01, low23);
    fours[j + 2] = _mm512_unpacklo_epi64(high01, high23);
    fours[j + 3] = _mm512_unpackhi_epi64(high01, high23);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512i even_top = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0x88);
    const __m512i odd_top = _mm512_shuffle_i32x4(fours[c], fours[4 + c], 0xdd);
    const __m512i even_end = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0x88);
    const __m512i odd_end = _mm512_shuffle_i32x4(fours[8 + c], fours[12 + c], 0xdd);
    rows[c] = _mm512_shuffle_i32x4(even_top, even_end, 0x88);
    rows[4 + c] = _mm512_shuffle_i32x4(odd_top, odd_end, 0x88);
    rows[8 + c] = _mm512_shuffle_i32x4(even_top, even_end, 0xdd);
    rows[12 + c] = _mm512_shuffle_i32x4(odd_top, odd_end, 0xdd);
  }
}

// tile[d, key] = dims (2 d, 2 d + 1) of a key: up to 16 keys, up to 32 dims. Returns zeros, or NaN in some lane where a
// key has one or an infinity.
inline __m512 pack_key_tile(const uint16_t* keys, int64_t row_stride, int64_t count, int64_t dims, uint32_t* tile) {
  __m512i rows[16];
  if (count >= kKeysOfTile && dims >= kDimsOfTile) {
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) rows[r] = _mm512_loadu_si512(keys + r * row_stride);
  } else {
    const __mmask32 mask = first_words(dims);
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) {
      rows[r] = _mm512_maskz_loadu_epi16(r < count ? mask : 0, keys + r * row_stride);
    }
  }
  const __m512bh zero = (__m512bh)_mm512_setzero_si512();
  __m512 even = _mm512_setzero_ps();
  __m512 odd = even;
#pragma GCC unroll 8
  for (int r = 0; r < 16; r += 2) {
    even = _mm512_dpbf16_ps(even, (__m512bh)rows[r], zero);
    odd = _mm512_dpbf16_ps(odd, (__m512bh)rows[r + 1], zero);
  }
  transpose_dwords(rows);
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) _mm512_store_si512(tile + r * 16, rows[r]);
  return _mm512_add_ps(even, odd);
}

// Two tiles side by side: tile[i, d] = dim d of the values of weights 2 i and 2 i + 1, up to 32 values, up to 32 dims.
inline void pack_value_tiles(const uint16_t* values, int64_t row_stride, int64_t count, int64_t dims, uint32_t* tiles) {
  const __mmask32 mask = first_words(dims);
  // 64-bit parts, so that unpacking within 128 bits leaves the dims in order.
  const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
#pragma GCC unroll 16
  for (int64_t i = 0; i < 16; ++i) {
    const int64_t key = key_of_weight(2 * i);
    const uint16_t* row = values + key * row_stride;
    __m512i even = _mm512_maskz_loadu_epi16(key < count ? mask : 0, row);
    __m512i odd = _mm512_maskz_loadu_epi16(key + 1 < count ? mask : 0, row + row_stride);
    even = _mm512_permutexvar_epi64(order, even);
    odd = _mm512_permutexvar_epi64(order, odd);
    _mm512_store_si512(tiles + i * 16, _mm512_unpacklo_epi16(even, odd));
    _mm512_store_si512(tiles + kTileDwords + i * 16, _mm512_unpackhi_epi16(even, odd));
  }
}

}  // namespace
}  // namespace emberline::cpu
