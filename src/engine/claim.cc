// SPDX-License-Identifier: Apache-2.0
#include "engine/claim.h"

#include <algorithm>
#include <limits>

#include "engine/embed_call.h"
#include "engine/scoped_timer.h"
#include "engine/windows.h"

namespace emberline {
namespace {

void finish_row(EmbedCall& call, int64_t row, int64_t tokens, bool truncated, Stats& stats) {
  call.out().set_outcome(row, RowStatus::kOk, tokens, truncated);
  ++stats.rows;
  stats.tokens += tokens;
  if (truncated) ++stats.truncated;
  call.add_done(1, tokens);
}

void fail_row(EmbedCall& call, int64_t row, RowStatus status, Stats& stats) {
  call.out().set_outcome(row, status, 0, false);
  ++stats.failed;
  call.add_done(1, 0);
}

}  // namespace

void Claim::tokenize(EmbedCall& call, const RowRange& range, Stats& stats) {
  const ScopedTimer timer(stats.tokenize_ns);
  ids_.clear();
  types_.clear();
  sequences_.clear();
  long_rows_.clear();
  window_tokens_.clear();
  for (int64_t row = range.begin; row < range.end && !call.stopped(); ++row) {
    if (call.rows().is_null(row)) {
      call.out().set_outcome(row, RowStatus::kNull, 0, false);
      ++stats.nulls;
      call.add_done(1, 0);
      continue;
    }
    if (has_memory_for([&] { tokenize_row(call, row, stats); })) continue;
    drop_row(row);
    fail_row(call, row, RowStatus::kTooLarge, stats);
  }
  lengths_.resize(sequences_.size());
  std::transform(sequences_.begin(), sequences_.end(), lengths_.begin(), [](const Sequence& s) { return s.length; });
}

void Claim::tokenize_row(EmbedCall& call, int64_t row, Stats& stats) {
  const Settings& settings = call.settings();
  std::string_view text = call.rows().text(row);
  if (!settings.prompt.empty()) {
    prompted_.assign(settings.prompt).append(text);
    text = prompted_;
  }
  const bool in_windows = settings.long_text == LongText::kChunk;
  const Tokenizer& tokenizer = call.model().tokenizer;
  tokenizer.encode(text, in_windows ? std::numeric_limits<int64_t>::max() : settings.max_tokens, encoding_);
  if (encoding_.truncated && settings.long_text == LongText::kError) {
    return fail_row(call, row, RowStatus::kTooLong, stats);
  }
  if (in_windows && static_cast<int64_t>(encoding_.ids.size()) > settings.max_tokens) {
    append_windows(settings, row);
    window_vectors_.resize(window_tokens_.size() * static_cast<size_t>(settings.dim));
  } else {
    append_encoding({.row = row, .truncated = encoding_.truncated});
  }
}

// All of encoding_ as one sequence.
void Claim::append_encoding(Sequence sequence) {
  sequence.begin = static_cast<int64_t>(ids_.size());
  sequence.length = static_cast<int64_t>(encoding_.ids.size());
  ids_.insert(ids_.end(), encoding_.ids.begin(), encoding_.ids.end());
  types_.insert(types_.end(), encoding_.types.begin(), encoding_.types.end());
  sequences_.push_back(sequence);
}

// encoding_ as several: each begins as the whole does, with special tokens and the prompt, and ends as it does.
void Claim::append_windows(const Settings& settings, int64_t row) {
  const auto total = static_cast<int64_t>(encoding_.ids.size());
  const WindowPlan& plan = settings.windows;
  const int64_t num_tokens = total - plan.head_tokens - plan.tail_tokens;
  LongRow long_row{.first_window = static_cast<int64_t>(window_tokens_.size())};
  const auto append = [](const std::vector<int32_t>& from, int64_t begin, int64_t end, std::vector<int32_t>& to) {
    to.insert(to.end(), from.begin() + begin, from.begin() + end);
  };
  for (const Window& window : cut_windows(num_tokens, plan.size, plan.overlap)) {
    const auto begin = static_cast<int64_t>(ids_.size());
    for (const auto& [from, to] : {std::pair(&encoding_.ids, &ids_), std::pair(&encoding_.types, &types_)}) {
      append(*from, 0, plan.head_tokens, *to);
      append(*from, plan.head_tokens + window.begin, plan.head_tokens + window.end, *to);
      append(*from, total - plan.tail_tokens, total, *to);
    }
    const int64_t length = static_cast<int64_t>(ids_.size()) - begin;
    sequences_.push_back({.row = row,
                          .begin = begin,
                          .length = length,
                          .long_row = static_cast<int64_t>(long_rows_.size()),
                          .window = static_cast<int64_t>(window_tokens_.size())});
    window_tokens_.push_back(window.size());
    long_row.tokens += length;
    ++long_row.num_windows;
  }
  long_row.waiting = long_row.num_windows;
  long_rows_.push_back(long_row);
}

// Forgets what was appended of a row before memory ran out.
void Claim::drop_row(int64_t row) {
  while (!sequences_.empty() && sequences_.back().row == row) sequences_.pop_back();
  const Sequence end = sequences_.empty() ? Sequence{} : sequences_.back();
  ids_.resize(static_cast<size_t>(end.begin + end.length));
  types_.resize(ids_.size());
  size_t num_windows = 0;
  size_t num_long_rows = 0;
  for (const Sequence& sequence : sequences_) {
    if (sequence.long_row < 0) continue;
    num_windows = static_cast<size_t>(sequence.window) + 1;
    num_long_rows = static_cast<size_t>(sequence.long_row) + 1;
  }
  window_tokens_.resize(num_windows);
  long_rows_.resize(num_long_rows);
}

float* Claim::vector(int64_t index, const VectorsView& out) {
  const Sequence& s = sequence(index);
  if (s.long_row < 0) return out.vector(s.row);
  return window_vectors_.data() + static_cast<size_t>(s.window) * (window_vectors_.size() / window_tokens_.size());
}

void Claim::finish(EmbedCall& call, int64_t index, RowStatus status, Stats& stats) {
  const Sequence& s = sequence(index);
  int64_t tokens = s.length;
  if (s.long_row >= 0) {
    LongRow& long_row = long_rows_[static_cast<size_t>(s.long_row)];
    if (status != RowStatus::kOk) long_row.status = status;
    if (--long_row.waiting > 0) return;
    status = long_row.status;
    tokens = long_row.tokens;
    if (status == RowStatus::kOk) average(call, s.row, long_row);
  }
  if (status == RowStatus::kOk) {
    finish_row(call, s.row, tokens, s.truncated, stats);
  } else {
    fail_row(call, s.row, status, stats);
  }
}

void Claim::average(EmbedCall& call, int64_t row, const LongRow& long_row) {
  const Settings& settings = call.settings();
  const auto dim = static_cast<size_t>(settings.dim);
  const auto first = static_cast<size_t>(long_row.first_window);
  const auto count = static_cast<size_t>(long_row.num_windows);
  average_windows(std::span(window_vectors_).subspan(first * dim, count * dim),
                  std::span(window_tokens_).subspan(first, count), settings.normalize,
                  std::span(call.out().vector(row), dim));
}

}  // namespace emberline
