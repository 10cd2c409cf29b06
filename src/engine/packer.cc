// SPDX-License-Identifier: Apache-2.0
#include "engine/packer.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace emberline {

int64_t claim_cost(int64_t remaining, int64_t num_workers, int64_t smallest, int64_t largest) {
  largest = std::max(smallest, largest);
  if (num_workers <= 1) return largest;
  return std::clamp(remaining / (2 * num_workers), smallest, largest);
}

RowRange take_rows(std::span<const int64_t> offsets, int64_t begin, const RowCost& cost, int64_t target) {
  const int64_t num_rows = static_cast<int64_t>(offsets.size()) - 1;
  RowRange range{begin, begin};
  int64_t total = 0;
  while (range.end < num_rows) {
    const auto row = static_cast<size_t>(range.end);
    total += cost.constant + std::min(offsets[row + 1] - offsets[row], cost.max_bytes);
    if (total > target && range.end > begin) break;
    ++range.end;
  }
  return range;
}

std::vector<std::vector<int64_t>> pack_sequences(std::span<const int64_t> lengths, int64_t budget) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto length = [&](int64_t index) { return lengths[static_cast<size_t>(index)]; };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length(a) > length(b); });

  std::vector<std::vector<int64_t>> batches;
  std::multimap<int64_t, size_t> room;  // tokens left -> batch
  for (const int64_t index : order) {
    const auto fullest = room.lower_bound(length(index));
    size_t batch = batches.size();
    int64_t left = budget;
    if (fullest == room.end()) {
      batches.emplace_back();
    } else {
      left = fullest->first;
      batch = fullest->second;
      room.erase(fullest);
    }
    batches[batch].push_back(index);
    if (left > length(index)) room.emplace(left - length(index), batch);
  }
  for (auto& batch : batches) std::sort(batch.begin(), batch.end());
  return batches;
}

}  // namespace emberline
