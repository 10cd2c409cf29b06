// SPDX-License-Identifier: Apache-2.0
#include "text/merge_table.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace emberline {
namespace {

// Up to this many symbols it is quicker to look at all pairs again than to keep a queue of them.
constexpr size_t kFew = 32;
constexpr uint32_t kNoRank = UINT32_MAX;

uint64_t pair_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

size_t hash(uint64_t pair) {
  pair *= 0x9E3779B97F4A7C15u;
  return static_cast<size_t>(pair ^ pair >> 32);
}

}  // namespace

MergeTable::MergeTable(const std::vector<Merge>& merges) {
  size_t size = 16;
  while (size < 2 * merges.size()) size *= 2;
  slots_.resize(size);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t pair = pair_of(merges[rank].left, merges[rank].right);
    size_t at = hash(pair) & (size - 1);
    while (slots_[at].pair != UINT64_MAX && slots_[at].pair != pair) at = (at + 1) & (size - 1);
    slots_[at] = {pair, static_cast<uint32_t>(rank), merges[rank].whole};
  }
}

const MergeTable::Slot* MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  for (size_t at = hash(pair) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return &slots_[at];
    if (slots_[at].pair == UINT64_MAX) return nullptr;
  }
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  if (symbols.size() <= kFew) {
    apply_to_few(symbols);
  } else {
    apply_to_many(symbols);
  }
}

void MergeTable::apply_to_few(std::vector<int32_t>& symbols) const {
  uint32_t ranks[kFew] = {};  // of the pair that begins at each symbol
  int32_t wholes[kFew] = {};
  const auto look = [&](size_t i) {
    const Slot* slot = i + 1 < symbols.size() ? find(symbols[i], symbols[i + 1]) : nullptr;
    ranks[i] = slot != nullptr ? slot->rank : kNoRank;
    wholes[i] = slot != nullptr ? slot->whole : -1;
  };
  for (size_t i = 0; i < symbols.size(); ++i) look(i);
  while (symbols.size() > 1) {
    const size_t count = symbols.size() - 1;
    const auto best = static_cast<size_t>(std::min_element(ranks, ranks + count) - ranks);
    if (ranks[best] == kNoRank) return;
    symbols[best] = wholes[best];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::copy(ranks + best + 2, ranks + count + 1, ranks + best + 1);
    std::copy(wholes + best + 2, wholes + count + 1, wholes + best + 1);
    look(best);
    if (best > 0) look(best - 1);
  }
}

void MergeTable::apply_to_many(std::vector<int32_t>& symbols) const {
  struct Node {
    int32_t id;
    size_t previous;
    size_t next;
  };
  struct Candidate {
    uint32_t rank;
    size_t at;
    uint64_t pair;  // that it was found for: another one there makes it void
    int32_t whole;

    bool operator>(const Candidate& other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
  };
  const size_t end = symbols.size();
  std::vector<Node> nodes(end);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto look = [&](size_t at) {
    const size_t next = nodes[at].next;
    if (next == end) return;
    const Slot* slot = find(nodes[at].id, nodes[next].id);
    if (slot != nullptr) queue.push({slot->rank, at, slot->pair, slot->whole});
  };
  for (size_t i = 0; i < end; ++i) nodes[i] = {symbols[i], i == 0 ? end : i - 1, i + 1};
  for (size_t i = 0; i < end; ++i) look(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    Node& node = nodes[top.at];
    // A node that went into another has the id -1, which is in no pair.
    if (node.next == end || pair_of(node.id, nodes[node.next].id) != top.pair) continue;
    Node& right = nodes[node.next];
    node.id = top.whole;
    node.next = right.next;
    right.id = -1;
    if (node.next != end) nodes[node.next].previous = top.at;
    look(top.at);
    if (node.previous != end) look(node.previous);
  }
  symbols.clear();
  for (size_t at = 0; at != end; at = nodes[at].next) symbols.push_back(nodes[at].id);
}

}  // namespace emberline
