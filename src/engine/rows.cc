// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "engine/engine.h"

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

}  // namespace emberline
