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
  int64_t slot = -1;      // where its vector waits in the claim; -1: it goes to the caller's memory at once
};

class Claim {
 public:
  // Tokenizes the rows, in place of what the claim held. Rows that need no device are answered: null, too long, and
  // those whose text alone exhausts memory.
  void tokenize(EmbedCall& call, const RowRange& range, Stats& stats);

  const std::vector<Sequence>& sequences() const { return sequences_; }
  const Sequence& sequence(int64_t index) const { return sequences_[static_cast<size_t>(index)]; }
  const std::vector<int64_t>& lengths() const { return lengths_; }  // of the sequences
  // Where a sequence's vector goes: the caller's memory, or a slot, where a long row's windows wait for each other, and
  // numbers for the form in which they come out.
  float* vector(int64_t index, const VectorsView& out);
  // Writes the outcome of a sequence's row to the caller's buffers and counts it; that of a long row with its last
  // window.
  void finish(EmbedCall& call, int64_t index, RowStatus status, Stats& stats);
  std::span<const int32_t> ids(const Sequence& s) const { return part(ids_, s); }
  std::span<const int32_t> types(const Sequence& s) const { return part(types_, s); }

 private:
  // A row whose windows are averaged. They lie in slots one after the other.
  struct LongRow {
    int64_t first_slot = 0;
    int64_t num_windows = 0;
    int64_t waiting = 0;  // windows that are not computed yet
    int64_t tokens = 0;   // of all windows
    RowStatus status = RowStatus::kOk;
  };

  int64_t next_slot() const { return static_cast<int64_t>(slot_tokens_.size()); }
  void tokenize_row(EmbedCall& call, int64_t row, Stats& stats);
  void append_encoding(Sequence sequence);
  void append_windows(const Settings& settings, int64_t row);
  std::span<float> slots(int64_t first, int64_t count);
  std::span<const float> average(const EmbedCall& call, const LongRow& long_row);
  // What a row begins with, to return to where memory runs out in the middle of it.
  struct Sizes {
    size_t sequences = 0;
    size_t ids = 0;
    size_t slots = 0;
    size_t long_rows = 0;
  };
  Sizes sizes() const { return {sequences_.size(), ids_.size(), slot_tokens_.size(), long_rows_.size()}; }
  void shrink_to(const Sizes& sizes);
  // The row's text, or its pair, under its prompt and cut as the settings say, to encoding_.
  void encode_row(const EmbedCall& call, int64_t row);
  static std::span<const int32_t> part(const std::vector<int32_t>& all, const Sequence& s) {
    return std::span(all).subspan(static_cast<size_t>(s.begin), static_cast<size_t>(s.length));
  }

  Encoding encoding_;
  PairScratch pair_;
  int64_t dim_ = 0;       // of the call's vectors
  std::string prompted_;  // prompt and text of one row, or its query
  std::vector<int32_t> ids_;
  std::vector<int32_t> types_;
  std::vector<Sequence> sequences_;
  std::vector<int64_t> lengths_;
  std::vector<LongRow> long_rows_;
  std::vector<int64_t> slot_tokens_;  // the text's own, of a window; 0 for a sequence that is all of its row
  std::vector<float> slot_vectors_;   // [slots, dim]
  std::vector<float> average_;        // [dim]
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
