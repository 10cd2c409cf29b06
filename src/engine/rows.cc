// SPDX-License-Identifier: Apache-2.0
#include "engine/rows.h"

#include "base/error.h"

namespace emberline {

void RowsView::validate(const char* operation) const {
  check(num_rows >= 0, Code::kInvalidArgument, "{}: got {} rows, expected 0 or more", operation, num_rows);
  if (num_rows == 0) return;
  check(offsets != nullptr, Code::kInvalidArgument, "{}: rows.offsets is NULL with {} rows", operation, num_rows);
  check(validity_offset >= 0, Code::kInvalidArgument, "{}: got rows.validity_offset {}, expected 0 or more", operation,
        validity_offset);
  check(offsets[0] >= 0, Code::kInvalidArgument, "{}: got rows.offsets[0] = {}, expected 0 or more", operation,
        offsets[0]);
  for (int64_t row = 0; row < num_rows; ++row) {
    check(offsets[row + 1] >= offsets[row], Code::kInvalidArgument,
          "{}: got rows.offsets[{}] = {} after {}, expected offsets that do not decrease", operation, row + 1,
          offsets[row + 1], offsets[row]);
  }
  const int64_t bytes = offsets[num_rows] - offsets[0];
  check(data != nullptr || bytes == 0, Code::kInvalidArgument, "{}: rows.data is NULL with {} bytes", operation, bytes);
}

bool RowsView::is_null(int64_t row) const {
  if (validity == nullptr) return false;
  const int64_t bit = validity_offset + row;
  return ((validity[bit / 8] >> (bit % 8)) & 1) == 0;
}

std::string_view RowsView::text(int64_t row) const {
  const auto length = static_cast<size_t>(offsets[row + 1] - offsets[row]);
  if (length == 0) return {};
  return {reinterpret_cast<const char*>(data) + offsets[row], length};
}

void VectorsView::validate(const char* operation, int64_t bytes, int64_t alignment, int64_t num_rows) const {
  if (num_rows == 0) return;
  check(data != nullptr, Code::kInvalidArgument, "{}: out.data is NULL with {} rows", operation, num_rows);
  check(reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(alignment) == 0, Code::kInvalidArgument,
        "{}: out.data is not aligned to {} bytes", operation, alignment);
  check(row_stride >= bytes && row_stride % alignment == 0, Code::kInvalidArgument,
        "{}: got out.row_stride {}, expected a multiple of {} from {} on", operation, row_stride, alignment, bytes);
}

void VectorsView::set_outcome(int64_t row, RowStatus row_status, int64_t num_tokens, bool was_truncated) const {
  if (status != nullptr) status[row] = static_cast<int32_t>(row_status);
  if (tokens != nullptr) tokens[row] = static_cast<int32_t>(num_tokens);
  if (truncated != nullptr) truncated[row] = was_truncated ? 1 : 0;
}

Stats& Stats::operator+=(const Stats& other) {
  rows += other.rows;
  nulls += other.nulls;
  failed += other.failed;
  truncated += other.truncated;
  tokens += other.tokens;
  batches += other.batches;
  tokenize_ns += other.tokenize_ns;
  compute_ns += other.compute_ns;
  return *this;
}

}  // namespace emberline
