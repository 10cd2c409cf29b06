// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/distance_tiles.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace emberline::cpu {
namespace {

constexpr int64_t kTileCols = 16;
constexpr int64_t kChunkDims = 32;  // dims of a tile
constexpr int64_t kTileWords = kTileCols * kChunkDims;
// Distances beside those that sequences have: whole tiles of keys read the terms of keys that are not there.
constexpr int64_t kMargin = 15;

// Rounded to even; NaN stays.
uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

bool is_finite_bf16(uint16_t word) {
  return (word & 0x7f80U) != 0x7f80U;
}

}  // namespace

DistanceTiles::DistanceTiles(const DistanceTerms& terms, int64_t num_heads)
    : num_heads_(num_heads), head_dim_(terms.cols / num_heads), zero_(kMargin + terms.reach) {
  std::vector<int32_t> rows;  // of each column
  column_of_.assign(kMargin, 0);
  for (const int32_t row : terms.row_of) {
    if (rows.empty() || rows.back() != row) rows.push_back(row);
    column_of_.push_back(static_cast<int32_t>(rows.size()) - 1);
  }
  for (int64_t i = 0; i < kMargin; ++i) column_of_.push_back(column_of_.back() + 1);
  // A tile of columns may begin at any of them.
  const int64_t columns = round_up(column_of_.back() + kTileCols, kTileCols);
  const int64_t chunks = round_up(head_dim_, kChunkDims) / kChunkDims;
  head_stride_ = checked_product(columns, chunks * kChunkDims, "attention");
  poison_.assign(static_cast<size_t>(num_heads), 0.0F);
  if (terms.by_query != nullptr) {
    // Tiles of columns by pairs of dims, as the right side of a product.
    const auto place = [&](int64_t column, int64_t dim) {
      const int64_t tile = column / kTileCols * chunks + dim / kChunkDims;
      return tile * kTileWords + dim % kChunkDims / 2 * kChunkDims + column % kTileCols * 2 + dim % 2;
    };
    pack(*terms.by_query, rows, place, by_query_);
  }
  if (terms.by_key != nullptr) {
    const auto place = [&](int64_t column, int64_t dim) { return column * chunks * kChunkDims + dim; };
    pack(*terms.by_key, rows, place, by_key_);
  }
}

template <typename Place>
void DistanceTiles::pack(const Buffer& source, const std::vector<int32_t>& rows, Place place, AlignedFloats& words) {
  const int64_t count = checked_product(num_heads_, head_stride_, "attention");
  auto* head = reinterpret_cast<uint16_t*>(words.reserve((count + 1) / 2));
  std::fill_n(head, count, uint16_t{0});
  const int64_t cols = num_heads_ * head_dim_;
  for (int64_t h = 0; h < num_heads_; ++h, head += head_stride_) {
    bool is_finite = true;
    for (size_t column = 0; column < rows.size(); ++column) {
      const float* row = source.data() + rows[column] * cols + h * head_dim_;
      for (int64_t d = 0; d < head_dim_; ++d) {
        const uint16_t word = to_bf16(row[d]);
        is_finite = is_finite && is_finite_bf16(word);
        head[place(static_cast<int64_t>(column), d)] = word;
      }
    }
    if (!is_finite) poison_[static_cast<size_t>(h)] = std::nanf("");
  }
}

TermsView DistanceTiles::view(int64_t first_head) const {
  const auto words = [&](const AlignedFloats& memory) {
    const auto* data = reinterpret_cast<const uint16_t*>(memory.data());
    return data != nullptr ? data + first_head * head_stride_ : nullptr;
  };
  return {.by_query = words(by_query_),
          .by_key = words(by_key_),
          .head_stride = head_stride_,
          .column_of = column_of_.data() + zero_,
          .poison = poison_.data() + first_head};
}

}  // namespace emberline::cpu
