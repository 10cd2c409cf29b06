// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows that a worker claimed, tokenized: what it computes itself, or hands to the device's queue.
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/packer.h"
#include "engine/rows.h"
#include "text/tokenizer.h"

namespace emberline {

class EmbedCall;

// A tokenized row that waits for its batch.
struct Sequence {
  int64_t row = 0;
  int64_t begin = 0;  // of its ids and types in the claim's
  int64_t length = 0;
  bool truncated = false;
};

class Claim {
 public:
  // Tokenizes the rows, in place of what the claim held. Rows that need no device are answered: null, too long, and
  // those whose text alone exhausts memory.
  void tokenize(EmbedCall& call, const RowRange& range, Stats& stats);

  const std::vector<Sequence>& sequences() const { return sequences_; }
  const Sequence& sequence(int64_t index) const { return sequences_[static_cast<size_t>(index)]; }
  const std::vector<int64_t>& lengths() const { return lengths_; }  // of the sequences
  std::span<const int32_t> ids(const Sequence& s) const { return part(ids_, s); }
  std::span<const int32_t> types(const Sequence& s) const { return part(types_, s); }

 private:
  void tokenize_row(EmbedCall& call, int64_t row, Stats& stats);
  static std::span<const int32_t> part(const std::vector<int32_t>& all, const Sequence& s) {
    return std::span(all).subspan(static_cast<size_t>(s.begin), static_cast<size_t>(s.length));
  }

  Encoding encoding_;
  std::string prompted_;  // prompt and text of one row
  std::vector<int32_t> ids_;
  std::vector<int32_t> types_;
  std::vector<Sequence> sequences_;
  std::vector<int64_t> lengths_;
};

// Write a row's outcome to the caller's buffers and count it.
void finish_row(EmbedCall& call, const Sequence& sequence, Stats& stats);
void fail_row(EmbedCall& call, int64_t row, RowStatus status, Stats& stats);

// Runs body; false where memory ran out in it.
template <typename Body>
bool has_memory_for(const Body& body) {
  try {
    body();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  } catch (const Error& error) {
    if (error.code() == Code::kOutOfMemory) return false;
    throw;
  }
}

}  // namespace emberline
