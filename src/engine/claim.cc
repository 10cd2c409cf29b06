// SPDX-License-Identifier: Apache-2.0
#include "engine/claim.h"

#include <algorithm>

#include "engine/embed_call.h"
#include "engine/scoped_timer.h"

namespace emberline {

void Claim::tokenize(EmbedCall& call, const RowRange& range, Stats& stats) {
  const ScopedTimer timer(stats.tokenize_ns);
  ids_.clear();
  types_.clear();
  sequences_.clear();
  for (int64_t row = range.begin; row < range.end && !call.stopped(); ++row) {
    if (call.rows().is_null(row)) {
      call.out().set_outcome(row, RowStatus::kNull, 0, false);
      ++stats.nulls;
      call.add_done(1, 0);
      continue;
    }
    const size_t begin = ids_.size();
    if (has_memory_for([&] { tokenize_row(call, row, stats); })) continue;
    ids_.resize(begin);
    types_.resize(begin);
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
  call.model().tokenizer.encode(text, settings.max_tokens, encoding_);
  if (encoding_.truncated && settings.long_text == LongText::kError) {
    return fail_row(call, row, RowStatus::kTooLong, stats);
  }
  const Sequence sequence{.row = row,
                          .begin = static_cast<int64_t>(ids_.size()),
                          .length = static_cast<int64_t>(encoding_.ids.size()),
                          .truncated = encoding_.truncated};
  ids_.insert(ids_.end(), encoding_.ids.begin(), encoding_.ids.end());
  types_.insert(types_.end(), encoding_.types.begin(), encoding_.types.end());
  sequences_.push_back(sequence);
}

void finish_row(EmbedCall& call, const Sequence& sequence, Stats& stats) {
  call.out().set_outcome(sequence.row, RowStatus::kOk, sequence.length, sequence.truncated);
  ++stats.rows;
  stats.tokens += sequence.length;
  if (sequence.truncated) ++stats.truncated;
  call.add_done(1, sequence.length);
}

void fail_row(EmbedCall& call, int64_t row, RowStatus status, Stats& stats) {
  call.out().set_outcome(row, status, 0, false);
  ++stats.failed;
  call.add_done(1, 0);
}

}  // namespace emberline
