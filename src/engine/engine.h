// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of text to vectors at the caller's rows: tokenize, pack, encode, finish, on as many threads as asked for.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/options.h"
#include "model/config.h"
#include "text/tokenizer.h"

namespace emberline {

// Same values as emb_row_status.
enum class RowStatus : int32_t { kOk = 0, kNull = 1, kTooLong = 2, kTooLarge = 3 };

// Borrowed input, as emb_rows.
struct RowsView {
  const uint8_t* data = nullptr;
  const int64_t* offsets = nullptr;  // [num_rows + 1]
  const uint8_t* validity = nullptr;
  int64_t validity_offset = 0;
  int64_t num_rows = 0;

  // Throws Error(kInvalidArgument) naming `operation` and the first row whose offsets cannot be.
  void validate(const char* operation) const;
  bool is_null(int64_t row) const;
  std::string_view text(int64_t row) const;
};

// Borrowed output, as emb_vectors.
struct VectorsView {
  float* data = nullptr;
  int64_t row_stride = 0;  // bytes
  int32_t* status = nullptr;
  int32_t* tokens = nullptr;
  uint8_t* truncated = nullptr;
};

struct Stats {
  int64_t rows = 0, nulls = 0, failed = 0, truncated = 0, tokens = 0, batches = 0, tokenize_ns = 0, compute_ns = 0;
};

// Returns true to cancel.
using Progress = std::function<bool(int64_t rows_done, int64_t rows_total, int64_t tokens_done)>;

// Weights, tokenizer and device: what all handles over one loaded model share. Immutable.
struct LoadedModel;

// One handle: a loaded model and the options in force, resolved. Immutable; embed is safe from many threads.
class Engine {
 public:
  static Engine load(const std::string& path, const Options& options);
  Engine derive(const Options& options) const;
  ~Engine();
  Engine(Engine&&) noexcept;

  int64_t dim() const;
  int64_t max_tokens() const;
  const std::string& info() const;                         // JSON
  const std::string& row_message(RowStatus status) const;  // "" for kOk and kNull

  // Writes every row's outcome. Throws Error for the call as a whole only (kCancelled among them); stats are right also
  // then.
  void embed(const RowsView& rows, const VectorsView& out, const Progress& progress, Stats& stats) const;
  // Ids of one row as the model sees them: prompt, special tokens and truncation included.
  void tokenize(std::string_view text, Encoding& out) const;

 private:
  struct Settings;
  Engine(std::shared_ptr<const LoadedModel> model, const Options& options);
  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<const Settings> settings_;
};

}  // namespace emberline
