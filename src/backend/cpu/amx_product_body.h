// SPDX-License-Identifier: Apache-2.0
#pragma once
// Packing weights, and a product's way over its blocks. For files that are compiled with AMX.
#include "backend/cpu/amx_epilogues.h"

namespace emberline::cpu {
namespace {

// A chunk of panels stays in the second-level cache while all rows pass over it.
constexpr int64_t kChunkBytes = 640 * 1024;

constexpr int64_t steps_of(int64_t in_features, Precision precision) {
  return (in_features * bytes_of(precision) + kTileBytes - 1) / kTileBytes;
}
constexpr int64_t panels_of(int64_t out_features) {
  return (out_features + kPanelCols - 1) / kPanelCols;
}

// The sums of a block that wait for their epilogue.
struct Waiting {
  const char* sums = nullptr;
  int64_t row = 0;
  int64_t col = 0;
  int64_t rows = 0;
};

// While one block is multiplied the epilogue of the block before it runs.
template <Precision P, typename Epilogue>
class Product {
 public:
  Product(const OperandView& x, const PackedView& w, const Epilogue& epilogue) : x_(x), w_(w), epilogue_(epilogue) {}

  void run() {
    const Tiles tiles;
    const int64_t panels = panels_of(w_.out_features);
    const int64_t panel_bytes = steps_of(w_.in_features, P) * kStepBytes;
    const int64_t chunks = (panels * panel_bytes + kChunkBytes - 1) / kChunkBytes;
    for (int64_t row = 0; row < x_.rows; row += kGroup) {
      const int64_t end = x_.rows - row < kGroup ? x_.rows : row + kGroup;
      int64_t panel = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const int64_t count = (panels - panel) / (chunks - chunk);
        run_chunk(row, end, panel, panel + count);
        panel += count;
      }
      while (waiting_.rows > 0) finish_rows(waiting_.rows);
      epilogue_.end_group(row, end - row);
    }
  }

 private:
  void run_chunk(int64_t first_row, int64_t end_row, int64_t first_panel, int64_t end_panel) {
    for (int64_t row = first_row; row < end_row; row += kBlockRows) {
      const int64_t rows = end_row - row < kBlockRows ? end_row - row : kBlockRows;
      for (int64_t panel = first_panel; panel < end_panel; ++panel) {
        if (rows > kTileRows) {
          run_block<2>(row, rows, panel);
        } else {
          run_block<1>(row, rows, panel);
        }
      }
    }
  }

  template <int H>
  void run_block(int64_t row, int64_t rows, int64_t panel) {
    const int64_t steps = steps_of(w_.in_features, P);
    const int64_t x_row_bytes = x_.row_stride * bytes_of(P);
    const int64_t col = panel * kPanelCols;
    const Block block = {static_cast<const char*>(x_.data) + row * x_row_bytes, x_row_bytes,
                         static_cast<const char*>(w_.data) + panel * steps * kStepBytes, steps,
                         P == Precision::kBf16 ? w_.bias + col : nullptr};
    char* sums = sums_[turn_];
    const int64_t share = (waiting_.rows + steps - 1) / steps;
    multiply_block<P, H>(block, {sums, kPanelCols * 4}, [&] { finish_rows(share); });
    turn_ ^= 1;
    waiting_ = {sums, row, col, rows};
  }

  [[gnu::always_inline]] void finish_rows(int64_t share) {
    const int64_t count = share < waiting_.rows ? share : waiting_.rows;
    epilogue_.rows(waiting_.sums, waiting_.row, count, waiting_.col);
    waiting_.sums += count * kPanelCols * 4;
    waiting_.row += count;
    waiting_.rows -= count;
  }

  static constexpr int64_t kGroup = Epilogue::kGroupRows;

  OperandView x_;
  PackedView w_;
  Epilogue epilogue_;
  Waiting waiting_;
  int turn_ = 0;
  alignas(64) char sums_[2][kBlockRows * kPanelCols * 4];
};

template <Precision P, typename Epilogue>
[[gnu::noinline]] void run_product(const OperandView& x, const PackedView& w, const Epilogue& epilogue) {
  Product<P, Epilogue>(x, w, epilogue).run();
}

template <Precision P>
int64_t packed_bytes(int64_t out_features, int64_t in_features) {
  return panels_of(out_features) * steps_of(in_features, P) * kStepBytes;
}

// Columns [k, k + 64 bytes) of one row of weights, as lanes of 4 bytes.
template <Precision P>
Vec packed_lanes(const float* row, int64_t k, int64_t cols, float inverse) {
  constexpr int kVectors = P == Precision::kBf16 ? 2 : 4;
  alignas(64) char bytes[kTileBytes];
  for (int i = 0; i < kVectors; ++i, k += kLanes) {
    const int64_t left = cols - k;
    const Vec v = left >= kLanes ? load(row + k) : left > 0 ? load(row + k, first_lanes(left)) : splat(0.0F);
    char* to = bytes + i * (kTileBytes / kVectors);
    if constexpr (P == Precision::kBf16) {
      store_bf16(reinterpret_cast<uint16_t*>(to), v);
    } else {
      store_int8(reinterpret_cast<int8_t*>(to), v * splat(inverse));
    }
  }
  return load(reinterpret_cast<const float*>(bytes));
}

template <Precision P>
void pack(MatrixView weight, const float* scales, void* packed) {
  constexpr int64_t kStep = kTileBytes / bytes_of(P);
  float* to = static_cast<float*>(packed);
  for (int64_t panel = 0; panel < weight.rows; panel += kPanelCols) {
    for (int64_t k = 0; k < weight.cols; k += kStep) {
      for (int64_t first = panel; first < panel + kPanelCols; first += kLanes) {
        Vec tile[kLanes];
        for (int64_t c = 0; c < kLanes; ++c) {
          const int64_t row = first + c;
          if (row >= weight.rows) {
            tile[c] = splat(0.0F);
            continue;
          }
          const float inverse = P == Precision::kInt8 && scales[row] > 0 ? 1.0F / scales[row] : 0.0F;
          tile[c] = packed_lanes<P>(weight.data + row * weight.row_stride, k, weight.cols, inverse);
        }
        transpose(tile);
        for (int i = 0; i < kLanes; ++i, to += kLanes) store(to, tile[i]);
      }
    }
  }
}

}  // namespace
}  // namespace emberline::cpu
