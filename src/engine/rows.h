// SPDX-License-Identifier: Apache-2.0
#pragma once
// The caller's rows and buffers as the C ABI lends them, and what a call says about them. All borrowed for one call.
#include <cstdint>
#include <functional>
#include <string_view>

namespace emberline {

// Same values as emb_row_status.
enum class RowStatus : int32_t { kOk = 0, kNull = 1, kTooLong = 2, kTooLarge = 3 };

// Borrowed input, as emb_rows.
struct RowsView {
  const uint8_t* data = nullptr;
  const int64_t* offsets = nullptr;  // [num_rows + 1]
  const uint8_t* validity = nullptr;
  int64_t validity_offset = 0;
  int64_t num_rows = 0;

  // Throws Error(kInvalidArgument) naming `operation` and the first offset that cannot be.
  void validate(const char* operation) const;
  bool is_null(int64_t row) const;
  std::string_view text(int64_t row) const;
};

// Borrowed output, as emb_vectors.
struct VectorsView {
  void* data = nullptr;
  int64_t row_stride = 0;  // bytes
  int32_t* status = nullptr;
  int32_t* tokens = nullptr;
  uint8_t* truncated = nullptr;

  // Throws Error(kInvalidArgument) where num_rows vectors of `bytes` bytes cannot be written, of numbers that want this
  // alignment.
  void validate(const char* operation, int64_t bytes, int64_t alignment, int64_t num_rows) const;
  uint8_t* vector(int64_t row) const { return static_cast<uint8_t*>(data) + row * row_stride; }
  void set_outcome(int64_t row, RowStatus row_status, int64_t num_tokens, bool was_truncated) const;
};

struct Stats {
  int64_t rows = 0, nulls = 0, failed = 0, truncated = 0, tokens = 0, batches = 0, tokenize_ns = 0, compute_ns = 0;

  Stats& operator+=(const Stats& other);
};

// Returns true to cancel.
using Progress = std::function<bool(int64_t rows_done, int64_t rows_total, int64_t tokens_done)>;

}  // namespace emberline
