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
#include "engine/settings.h"
#include "text/tokenizer.h"

namespace emberline {

class EmbedCall;

// A tokenized row, or a window of a long one, that waits for its batch.
struct Sequence {
  int64_t row = 0;
  int64_t begin = 0;  // of its ids and types in the claim's
  int64_t length = 0;
  bool truncated = false;
  int64_t long_row = -1;  // of the claim's long rows; -1: the sequence is all of its row
  int64_t window = 0;     // of the claim's windows
};

class Claim {
 public:
  // Tokenizes the rows, in place of what the claim held. Rows that need no device are answered: null, too long, and
  // those whose text alone exhausts memory.
  void tokenize(EmbedCall& call, const RowRange& range, Stats& stats);

  const std::vector<Sequence>& sequences() const { return sequences_; }
  const Sequence& sequence(int64_t index) const { return sequences_[static_cast<size_t>(index)]; }
  const std::vector<int64_t>& lengths() const { return lengths_; }  // of the sequences
  // Where a sequence's vector goes: the caller's memory, or where a long row's windows wait for each other.
  float* vector(int64_t index, const VectorsView& out);
  // Writes the outcome of a sequence's row to the caller's buffers and counts it; that of a long row with its last
  // window.
  void finish(EmbedCall& call, int64_t index, RowStatus status, Stats& stats);
  std::span<const int32_t> ids(const Sequence& s) const { return part(ids_, s); }
  std::span<const int32_t> types(const Sequence& s) const { return part(types_, s); }

 private:
  // A row whose windows are averaged.
  struct LongRow {
    int64_t first_window = 0;
    int64_t num_windows = 0;
    int64_t waiting = 0;  // windows that are not computed yet
    int64_t tokens = 0;   // of all windows
    RowStatus status = RowStatus::kOk;
  };

  void tokenize_row(EmbedCall& call, int64_t row, Stats& stats);
  void append_encoding(Sequence sequence);
  void append_windows(const Settings& settings, int64_t row);
  void average(EmbedCall& call, int64_t row, const LongRow& long_row);
  void drop_row(int64_t row);
  static std::span<const int32_t> part(const std::vector<int32_t>& all, const Sequence& s) {
    return std::span(all).subspan(static_cast<size_t>(s.begin), static_cast<size_t>(s.length));
  }

  Encoding encoding_;
  std::string prompted_;  // prompt and text of one row
  std::vector<int32_t> ids_;
  std::vector<int32_t> types_;
  std::vector<Sequence> sequences_;
  std::vector<int64_t> lengths_;
  std::vector<LongRow> long_rows_;
  std::vector<int64_t> window_tokens_;  // the text's own, of each window
  std::vector<float> window_vectors_;   // [windows, dim]
};

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
