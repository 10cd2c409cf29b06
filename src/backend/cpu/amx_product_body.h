// SPDX-License-Identifier: Apache-2.0
#pragma once
// Packing weights, and a product's way over its blocks. For files that are compiled with AMX.
#include "backend/cpu/amx_epilogues.h"

namespace emberline::cpu {
namespace {

// A chunk of panels stays in the second-level cache while all rows pass over it.
constexpr int64_t kChunkBytes = 320 * 1024;
constexpr int64_t kMostPanels = 12;
// Rows of a block, and what passes by, stay in the first-level cache: at most so many steps of k at once.
constexpr int64_t kMostSteps = 16;
// Cuts of k from which on a product is deep, and rows from which on it pays to do something about it.
constexpr int64_t kFewestDeepCuts = 4;
constexpr int64_t kFewestDeepRows = 160;

constexpr int64_t steps_of(int64_t in_features, Precision precision) {
  return (in_features * bytes_of(precision) + kTileBytes - 1) / kTileBytes;
}
constexpr int64_t panels_of(int64_t out_features) {
  return (out_features + kPanelCols - 1) / kPanelCols;
}

// The sums of a block that wait for their epilogue.
struct Waiting {
  const char* sums = nullptr;
  const char* at = nullptr;
  int64_t row = 0;
  int64_t col = 0;
  int64_t rows = 0;

  template <typename Epilogue>
  [[gnu::always_inline]] void finish(int64_t most, const Epilogue& epilogue) {
    const int64_t count = most < rows ? most : rows;
    epilogue.rows(at, row, count, col);
    at += count * kSumsRowBytes;
    row += count;
    rows -= count;
  }
};

// While one block is multiplied the epilogue of the block before it runs.
template <Precision P, typename Epilogue>
class Product {
 public:
  Product(const OperandView& x, const PackedView& w, const Epilogue& epilogue)
      : epilogue_(epilogue),
        x_(x),
        w_(w),
        panels_(panels_of(w.out_features)),
        steps_(steps_of(w.in_features, P)),
        group_(epilogue.group_rows()) {}

  void run() {
    const Tiles tiles;
    if (is_deep()) return run_deep();
    const bool fetch_once = chunks() == 1;
    if (fetch_once) fetch_over(w_.next, w_.next_bytes, blocks_of(x_.rows) * panels_);
    for (int64_t row = 0; row < x_.rows; row += group_) {
      const int64_t end = x_.rows - row < group_ ? x_.rows : row + group_;
      int64_t panel = 0;
      for (int64_t chunk = 0; chunk < chunks(); ++chunk) {
        const int64_t count = (panels_ - panel) / (chunks() - chunk);
        if (!fetch_once) fetch_after(panel + count, end, count * blocks_of(end - row));
        run_chunk(row, end, panel, panel + count);
        panel += count;
      }
      waiting_.finish(waiting_.rows, epilogue_);
      epilogue_.end_group(row, end - row);
    }
  }

 private:
  static int64_t blocks_of(int64_t rows) { return (rows + kBlockRows - 1) / kBlockRows; }
  int64_t panel_bytes() const { return steps_ * kStepBytes; }
  int64_t cuts() const { return (steps_ + kMostSteps - 1) / kMostSteps; }
  bool is_deep() const {
    return cuts() >= kFewestDeepCuts && x_.rows >= kFewestDeepRows && epilogue_.partial_sums() != nullptr;
  }
  int64_t chunks() const {
    const int64_t by_bytes = group_ == kBlockRows ? 1 : (panels_ * panel_bytes() + kChunkBytes - 1) / kChunkBytes;
    const int64_t by_panels = cuts() > 1 ? (panels_ + kMostPanels - 1) / kMostPanels : 1;
    return by_bytes > by_panels ? by_bytes : by_panels;
  }

  // Memory to fetch, in equal parts, while so many blocks are multiplied.
  void fetch_over(const void* from, int64_t bytes, int64_t blocks) {
    const int64_t steps = blocks * steps_;
    const int64_t most = bytes < kChunkBytes ? bytes : kChunkBytes;
    fetch_ = {};
    if (from != nullptr && steps > 0)
      fetch_ = {static_cast<const char*>(from), (most / kTileBytes + steps - 1) / steps};
  }
  // The chunk that begins at `panel`, or where there is none the first again, or the next weights.
  void fetch_after(int64_t panel, int64_t end_row, int64_t blocks) {
    const char* from = static_cast<const char*>(w_.data);
    if (panel < panels_) {
      fetch_over(from + panel * panel_bytes(), (panels_ - panel) * panel_bytes(), blocks);
    } else if (end_row < x_.rows) {
      fetch_over(from, panels_ * panel_bytes(), blocks);
    } else {
      fetch_over(w_.next, w_.next_bytes, blocks);
    }
  }

  // Where k is deep a chunk of whole panels would be so few that rows were read over and over: one cut of k at a time
  // passes over all rows, and what it has summed waits where the result will be.
  void run_deep() {
    const int64_t cuts = this->cuts();
    const int64_t chunks = (panels_ + kMostPanels - 1) / kMostPanels;
    for (int64_t chunk = 0, first = 0; chunk < chunks; ++chunk) {
      const int64_t end = first + (panels_ - first) / (chunks - chunk);
      for (int64_t cut = 0, step = 0; cut < cuts; ++cut) {
        const int64_t count = (steps_ - step) / (cuts - cut);
        for (int64_t row = 0; row < x_.rows; row += kBlockRows) {
          for (int64_t panel = first; panel < end; ++panel) {
            const Slice slice = {panel, panel - first, end - first, step, count};
            fetch_during(slice, row);
            run_slice(slice, row);
          }
        }
        step += count;
      }
      waiting_.finish(waiting_.rows, epilogue_);
      first = end;
    }
  }

  // Steps [step, step + count) of a panel, the place-th of so many in its chunk.
  struct Slice {
    int64_t panel, place, panels;
    int64_t step, count;
  };

  // This block's share of what follows the slice: the panel's next one, the first of a panel of the next chunk, or the
  // next weights.
  void fetch_during(const Slice& slice, int64_t row) {
    const int64_t end_step = slice.step + slice.count;
    const char* from = nullptr;
    if (end_step < steps_) {
      from = w_at(slice.panel, end_step);
    } else if (slice.panel + slice.panels < panels_) {
      from = w_at(slice.panel + slice.panels, 0);
    } else if (w_.next != nullptr && (slice.place + 1) * slice.count * kStepBytes <= w_.next_bytes) {
      from = static_cast<const char*>(w_.next) + slice.place * slice.count * kStepBytes;
    }
    const int64_t blocks = blocks_of(x_.rows);
    const int64_t lines = (kStepBytes / kTileBytes + blocks - 1) / blocks;  // a step
    fetch_ = {};
    if (from != nullptr) fetch_ = {from + row / kBlockRows * slice.count * lines * kTileBytes, lines};
  }

  void run_slice(const Slice& slice, int64_t row) {
    const int64_t rows = x_.rows - row < kBlockRows ? x_.rows - row : kBlockRows;
    const bool is_whole = rows == kBlockRows;
    const bool is_last = slice.step + slice.count == steps_;
    // The last rows may be too few for whole tiles of the result.
    const int64_t stride = is_whole ? epilogue_.partial_row_bytes() : kSumsRowBytes;
    char* partial =
        is_whole ? epilogue_.partial_sums() + row * stride + slice.panel * kSumsRowBytes : sums_[slice.place];
    char* sums = is_last ? last_sums_[slice.panel % 2] : partial;
    const Block block = {.x = x_at(row, slice.step),
                         .x_row_bytes = x_row_bytes(),
                         .panel = w_at(slice.panel, slice.step),
                         .steps = slice.count,
                         .begin = slice.step > 0 ? partial : nullptr,
                         .begin_row_bytes = stride,
                         .sums = sums,
                         .sums_row_bytes = is_last ? kSumsRowBytes : stride};
    if (rows > kTileRows) {
      multiply<2>(block);
    } else {
      multiply<1>(block);
    }
    if (is_last) waiting_ = {sums, sums, row, slice.panel * kPanelCols, rows};
  }

  void run_chunk(int64_t first_row, int64_t end_row, int64_t first_panel, int64_t end_panel) {
    const int64_t cuts = this->cuts();
    for (int64_t row = first_row; row < end_row; row += kBlockRows) {
      const int64_t rows = end_row - row < kBlockRows ? end_row - row : kBlockRows;
      int64_t step = 0;
      for (int64_t cut = 0; cut < cuts; ++cut) {
        const int64_t count = (steps_ - step) / (cuts - cut);
        for (int64_t panel = first_panel; panel < end_panel; ++panel) {
          char* sums = sums_[cuts > 1 ? panel - first_panel : panel % 2];
          if (sums == waiting_.sums) waiting_.finish(waiting_.rows, epilogue_);
          if (rows > kTileRows) {
            run_block<2>(row, panel, step, count, sums);
          } else {
            run_block<1>(row, panel, step, count, sums);
          }
          if (cut == cuts - 1) waiting_ = {sums, sums, row, panel * kPanelCols, rows};
        }
        step += count;
      }
    }
  }

  // Steps [step, step + count) of a block.
  template <int H>
  void run_block(int64_t row, int64_t panel, int64_t step, int64_t count, char* sums) {
    multiply<H>({.x = x_at(row, step),
                 .x_row_bytes = x_row_bytes(),
                 .panel = w_at(panel, step),
                 .steps = count,
                 .begin = step > 0 ? sums : nullptr,
                 .begin_row_bytes = kSumsRowBytes,
                 .sums = sums,
                 .sums_row_bytes = kSumsRowBytes});
  }

  int64_t x_row_bytes() const { return x_.row_stride * bytes_of(P); }
  const char* x_at(int64_t row, int64_t step) const {
    return static_cast<const char*>(x_.data) + row * x_row_bytes() + step * kTileBytes;
  }
  const char* w_at(int64_t panel, int64_t step) const {
    return static_cast<const char*>(w_.data) + (panel * steps_ + step) * kStepBytes;
  }

  template <int H>
  void multiply(const Block& block) {
    // Copies, which can stay in registers.
    Waiting waiting = waiting_;
    Fetch fetch = fetch_;
    const Epilogue epilogue = epilogue_;
    const int64_t share = (waiting.rows + block.steps - 1) / block.steps;
    multiply_block<P, H>(block, [&] {
      fetch.step();
      waiting.finish(share, epilogue);
    });
    fetch_.at = fetch.at;
    waiting_.rows = 0;
  }

  alignas(64) char sums_[kMostPanels][kSumsBytes];
  alignas(64) char last_sums_[2][kSumsBytes];
  Epilogue epilogue_;
  OperandView x_;
  PackedView w_;
  int64_t panels_;
  int64_t steps_;
  int64_t group_;
  Fetch fetch_;
  Waiting waiting_ = {sums_[0], sums_[0], 0, 0, 0};
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
