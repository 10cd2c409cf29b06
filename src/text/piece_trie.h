// SPDX-License-Identifier: Apache-2.0
#pragma once
// A trie over the bytes of vocabulary pieces, as a double array: one table look-up a byte, no allocation.
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace emberline {

// Immutable after construction; safe from many threads.
class PieceTrie {
 public:
  static constexpr uint32_t kNowhere = 0;  // no node has this number
  static constexpr uint32_t kRoot = 1;

  // Pieces must differ from each other; ids must not be negative. Sorts `pieces`.
  explicit PieceTrie(std::vector<std::pair<std::string_view, int32_t>>& pieces);

  // The node behind `text`, starting from `node`; kNowhere if no piece goes on like that.
  uint32_t walk(uint32_t node, std::string_view text) const {
    for (const char byte : text) {
      node = child(node, static_cast<uint8_t>(byte));
      if (node == kNowhere) break;
    }
    return node;
  }
  uint32_t child(uint32_t node, uint8_t byte) const {
    const uint32_t next = nodes_[node].base ^ byte;
    return nodes_[next].parent == node ? next : kNowhere;
  }
  // Of the piece that ends at `node`, or -1; -1 for kNowhere as well.
  int32_t id(uint32_t node) const { return nodes_[node].id; }
  int32_t find(std::string_view piece) const { return id(walk(kRoot, piece)); }  // id, or -1

 private:
  struct Node {
    uint32_t base = 0;  // the child for byte b is base ^ b
    uint32_t parent = kNowhere;
    int32_t id = -1;
  };
  class Builder;
  std::vector<Node> nodes_;
};

}  // namespace emberline
