// SPDX-License-Identifier: Apache-2.0
#include "text/piece_trie.h"

#include <algorithm>
#include <bit>

namespace emberline {

// Places the children of each node, in the order of the sorted pieces. Slots come in blocks of 256, so that base ^ byte
// stays in the block of base; only the youngest blocks are searched for room.
class PieceTrie::Builder {
 public:
  Builder(std::vector<Node>& nodes, const std::vector<std::pair<std::string_view, int32_t>>& pieces)
      : nodes_(nodes), pieces_(pieces) {}

  void build() {
    add_block();
    take(kNowhere);
    take(kRoot);
    struct Range {
      size_t first, last, depth;
      uint32_t node;
    };
    std::vector<Range> open = {{0, pieces_.size(), 0, kRoot}};
    while (!open.empty()) {
      Range range = open.back();
      open.pop_back();
      if (range.first < range.last && pieces_[range.first].first.size() == range.depth) {
        nodes_[range.node].id = pieces_[range.first].second;
        ++range.first;
      }
      bytes_.clear();
      for (size_t i = range.first; i < range.last; ++i) {
        const uint8_t byte = byte_at(i, range.depth);
        if (bytes_.empty() || bytes_.back() != byte) bytes_.push_back(byte);
      }
      if (bytes_.empty()) {
        nodes_[range.node].base = 0;
        continue;
      }
      const uint32_t base = find_base();
      nodes_[range.node].base = base;
      size_t first = range.first;
      for (const uint8_t byte : bytes_) {
        const uint32_t child = base ^ byte;
        take(child);
        nodes_[child].parent = range.node;
        size_t last = first;
        while (last < range.last && byte_at(last, range.depth) == byte) ++last;
        open.push_back({first, last, range.depth + 1, child});
        first = last;
      }
    }
  }

 private:
  static constexpr size_t kSearchedBlocks = 16;

  uint8_t byte_at(size_t piece, size_t depth) const { return static_cast<uint8_t>(pieces_[piece].first[depth]); }

  void add_block() {
    nodes_.resize(nodes_.size() + 256);
    taken_.resize(nodes_.size() / 64, 0);
    num_free_.push_back(256);
  }

  void take(uint32_t slot) {
    taken_[slot / 64] |= uint64_t{1} << (slot % 64);
    --num_free_[slot / 256];
  }

  uint32_t find_base() {
    const size_t num_blocks = num_free_.size();
    for (size_t block = num_blocks > kSearchedBlocks ? num_blocks - kSearchedBlocks : 0; block < num_blocks; ++block) {
      if (num_free_[block] < bytes_.size()) continue;
      for (size_t word = 4 * block; word < 4 * block + 4; ++word) {
        // Free slots for the first child.
        for (uint64_t free = ~taken_[word]; free != 0; free &= free - 1) {
          const auto slot = static_cast<uint32_t>(64 * word) + static_cast<uint32_t>(std::countr_zero(free));
          const uint32_t base = slot ^ bytes_[0];
          if (fits(base)) return base;
        }
      }
    }
    add_block();
    return static_cast<uint32_t>(num_blocks * 256);
  }

  bool is_taken(uint32_t slot) const { return (taken_[slot / 64] >> (slot % 64) & 1U) != 0; }
  bool fits(uint32_t base) const {
    return std::none_of(bytes_.begin() + 1, bytes_.end(), [&](uint8_t byte) { return is_taken(base ^ byte); });
  }

  std::vector<Node>& nodes_;
  const std::vector<std::pair<std::string_view, int32_t>>& pieces_;
  std::vector<uint64_t> taken_;     // a bit for each slot
  std::vector<uint32_t> num_free_;  // [num_blocks]
  std::vector<uint8_t> bytes_;      // of the children being placed
};

PieceTrie::PieceTrie(std::vector<std::pair<std::string_view, int32_t>>& pieces) {
  if (!std::is_sorted(pieces.begin(), pieces.end())) std::sort(pieces.begin(), pieces.end());
  Builder(nodes_, pieces).build();
}

}  // namespace emberline
