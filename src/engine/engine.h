// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of text to vectors, or pairs of texts to scores, at the caller's rows: tokenize, pack, encode, finish, on as
// many threads as asked for.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "engine/options.h"
#include "engine/rows.h"
#include "text/tokenizer.h"

namespace emberline {

// Weights, tokenizer and device: what all handles over one loaded model share. Immutable.
struct LoadedModel;

// One handle: a loaded model and the options in force, resolved. Immutable; embed is safe from many threads and keeps
// neither threads nor locks between calls, so that a child after fork() may go on using it.
class Engine {
 public:
  // `path` is a directory or a hub id in the local cache. Throws Error(kIo | kFormat | kUnsupported |
  // kInvalidArgument).
  static Engine load(const std::string& path, const Options& options);
  // The same on a device that was made elsewhere; options.device and options.dtype are not looked at.
  static Engine load_on(std::unique_ptr<Backend> backend, const std::string& path, const Options& options);
  // A handle of its own over the same weights. Throws Error(kInvalidArgument) where a load-time option differs.
  Engine derive(const Options& options) const;
  ~Engine();
  Engine(Engine&&) noexcept;

  int64_t dim() const;           // 0 where the model scores pairs alone
  int64_t vector_bytes() const;  // as option output has it
  int64_t num_labels() const;    // scores of a pair; 0 where the model scores none
  int64_t max_tokens() const;
  const std::string& info() const;                         // JSON
  double measured_peak() const;                            // as Backend has it, of the threads that embed takes
  const std::string& row_message(RowStatus status) const;  // "" for kOk and kNull

  // Writes every row's outcome. Throws Error(kUnsupported) where the model scores pairs alone, and Error for the call
  // as a whole only (kCancelled among them); stats are right also then.
  void embed(const RowsView& rows, const VectorsView& out, const Progress& progress, Stats& stats) const;
  // Scores of pairs, [num_labels] floats a row: of each text with the query of its row, or with the only one. The rest
  // is as in embed. Throws Error(kUnsupported) with the reason where the model scores none.
  void rerank(const RowsView& queries, const RowsView& texts, const VectorsView& out, const Progress& progress,
              Stats& stats) const;
  // Ids of one row as the model sees them: prompt, special tokens and truncation included.
  void tokenize(std::string_view text, Encoding& out) const;
  // As ranges.h has it, of this handle's vectors; both are [dim].
  void write_ranges(const float* least, const float* largest, int64_t num_vectors, const std::string& file) const;

 private:
  struct State;
  Engine(std::shared_ptr<const LoadedModel> model, const Options& options);
  std::unique_ptr<const State> state_;
};

}  // namespace emberline
