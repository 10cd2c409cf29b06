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
  dim_ = call.settings().dim;
  ids_.clear();
  types_.clear();
  sequences_.clear();
  long_rows_.clear();
  slot_tokens_.clear();
  for (int64_t row = range.begin; row < range.end && !call.stopped(); ++row) {
    if (call.is_null(row)) {
      call.out().set_outcome(row, RowStatus::kNull, 0, false);
      ++stats.nulls;
      call.add_done(1, 0);
      continue;
    }
    const Sizes before = sizes();
    if (has_memory_for([&] { tokenize_row(call, row, stats); })) continue;
    shrink_to(before);
    fail_row(call, row, RowStatus::kTooLarge, stats);
  }
  lengths_.resize(sequences_.size());
  std::transform(sequences_.begin(), sequences_.end(), lengths_.begin(), [](const Sequence& s) { return s.length; });
}

void Claim::encode_row(const EmbedCall& call, int64_t row) {
  const Settings& settings = call.settings();
  const Tokenizer& tokenizer = call.model().tokenizer;
  std::string_view first = settings.is_rerank ? call.query(row) : call.rows().text(row);
  if (!settings.prompt.empty()) {
    prompted_.assign(settings.prompt).append(first);
    first = prompted_;
  }
  const bool in_windows = settings.long_text == LongText::kChunk;
  const int64_t max_tokens = in_windows ? std::numeric_limits<int64_t>::max() : settings.max_tokens;
  if (settings.is_rerank) return tokenizer.encode_pair(first, call.rows().text(row), max_tokens, pair_, encoding_);
  tokenizer.encode(first, max_tokens, encoding_);
}

void Claim::tokenize_row(EmbedCall& call, int64_t row, Stats& stats) {
  const Settings& settings = call.settings();
  encode_row(call, row);
  const bool in_windows = settings.long_text == LongText::kChunk;
  if (encoding_.truncated && settings.long_text == LongText::kError) {
    return fail_row(call, row, RowStatus::kTooLong, stats);
  }
  if (in_windows && static_cast<int64_t>(encoding_.ids.size()) > settings.max_tokens) {
    append_windows(settings, row);
    average_.resize(static_cast<size_t>(dim_));
  } else {
    const bool waits = settings.output != Output::kFloat32;
    append_encoding({.row = row, .truncated = encoding_.truncated, .slot = waits ? next_slot() : -1});
    if (waits) slot_tokens_.push_back(0);
  }
  slot_vectors_.resize(slot_tokens_.size() * static_cast<size_t>(dim_));
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
  LongRow long_row{.first_slot = next_slot()};
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
                          .slot = next_slot()});
    slot_tokens_.push_back(window.size());
    long_row.tokens += length;
    ++long_row.num_windows;
  }
  long_row.waiting = long_row.num_windows;
  long_rows_.push_back(long_row);
}

void Claim::shrink_to(const Sizes& sizes) {
  sequences_.resize(sizes.sequences);
  ids_.resize(sizes.ids);
  types_.resize(sizes.ids);
  slot_tokens_.resize(sizes.slots);
  long_rows_.resize(sizes.long_rows);
}

std::span<float> Claim::slots(int64_t first, int64_t count) {
  return std::span(slot_vectors_).subspan(static_cast<size_t>(first * dim_), static_cast<size_t>(count * dim_));
}

float* Claim::vector(int64_t index, const VectorsView& out) {
  const Sequence& s = sequence(index);
  if (s.slot < 0) return reinterpret_cast<float*>(out.vector(s.row));
  return slots(s.slot, 1).data();
}

void Claim::finish(EmbedCall& call, int64_t index, RowStatus status, Stats& stats) {
  const Sequence& s = sequence(index);
  int64_t tokens = s.length;
  LongRow* long_row = s.long_row < 0 ? nullptr : &long_rows_[static_cast<size_t>(s.long_row)];
  if (long_row != nullptr) {
    if (status != RowStatus::kOk) long_row->status = status;
    if (--long_row->waiting > 0) return;
    status = long_row->status;
    tokens = long_row->tokens;
  }
  if (status != RowStatus::kOk) return fail_row(call, s.row, status, stats);
  const Settings& settings = call.settings();
  if (settings.is_rerank) {
    activate_scores(settings.score_activation, {vector(index, call.out()), static_cast<size_t>(dim_)});
  }
  if (s.slot >= 0) {
    const std::span<const float> vector = long_row != nullptr ? average(call, *long_row) : slots(s.slot, 1);
    write_output(settings.output, settings.levels, vector, call.out().vector(s.row));
  }
  finish_row(call, s.row, tokens, s.truncated, stats);
}

std::span<const float> Claim::average(const EmbedCall& call, const LongRow& long_row) {
  const auto tokens = std::span(slot_tokens_)
                          .subspan(static_cast<size_t>(long_row.first_slot), static_cast<size_t>(long_row.num_windows));
  average_windows(slots(long_row.first_slot, long_row.num_windows), tokens, call.settings().normalize, average_);
  return average_;
}

}  // namespace emberline
