// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <numeric>

#include "base/error.h"

namespace emberline {
namespace {

// Adds the time of its scope to a counter.
class ScopedTimer {
 public:
  explicit ScopedTimer(int64_t& nanoseconds) : nanoseconds_(nanoseconds), start_(Clock::now()) {}
  ~ScopedTimer() { nanoseconds_ += std::chrono::nanoseconds(Clock::now() - start_).count(); }
  ScopedTimer(const ScopedTimer&) = delete;
  ScopedTimer& operator=(const ScopedTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  int64_t& nanoseconds_;
  Clock::time_point start_;
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

}  // namespace

Worker::Worker(EmbedCall& call, const Progress* progress, Stats& stats)
    : call_(call),
      progress_(progress),
      stats_(stats),
      stream_(call.model().backend->make_stream(call.threads_per_worker())) {}

void Worker::run() {
  while (!call_.stopped()) {
    const RowRange range = call_.claim();
    if (range.begin == range.end) return;
    tokenize(range);
    for (const auto& members : pack_sequences(lengths_, call_.settings().batch_tokens)) {
      if (call_.stopped()) return;
      compute(members);
      if (progress_ != nullptr) call_.report(*progress_);
    }
    if (sequences_.empty() && progress_ != nullptr) call_.report(*progress_);
  }
}

void Worker::tokenize(const RowRange& range) {
  const ScopedTimer timer(stats_.tokenize_ns);
  ids_.clear();
  types_.clear();
  sequences_.clear();
  for (int64_t row = range.begin; row < range.end && !call_.stopped(); ++row) {
    if (call_.rows().is_null(row)) {
      call_.out().set_outcome(row, RowStatus::kNull, 0, false);
      ++stats_.nulls;
      call_.add_done(1, 0);
      continue;
    }
    const size_t begin = ids_.size();
    if (has_memory_for([&] { tokenize_row(row); })) continue;
    ids_.resize(begin);
    types_.resize(begin);
    fail_row(row, RowStatus::kTooLarge);
  }
  lengths_.resize(sequences_.size());
  std::transform(sequences_.begin(), sequences_.end(), lengths_.begin(), [](const Sequence& s) { return s.length; });
}

void Worker::tokenize_row(int64_t row) {
  const Settings& settings = call_.settings();
  std::string_view text = call_.rows().text(row);
  if (!settings.prompt.empty()) {
    prompted_.assign(settings.prompt).append(text);
    text = prompted_;
  }
  call_.model().tokenizer.encode(text, settings.max_tokens, encoding_);
  if (encoding_.truncated && settings.long_text == LongText::kError) return fail_row(row, RowStatus::kTooLong);
  const Sequence sequence{.row = row,
                          .begin = static_cast<int64_t>(ids_.size()),
                          .length = static_cast<int64_t>(encoding_.ids.size()),
                          .truncated = encoding_.truncated};
  ids_.insert(ids_.end(), encoding_.ids.begin(), encoding_.ids.end());
  types_.insert(types_.end(), encoding_.types.begin(), encoding_.types.end());
  sequences_.push_back(sequence);
}

void Worker::compute(const std::vector<int64_t>& members) {
  const ScopedTimer timer(stats_.compute_ns);
  if (fits_in_memory(members)) return;
  for (const int64_t member : members) {
    if (call_.stopped()) return;
    const bool fits = members.size() > 1 && fits_in_memory({member});
    if (!fits) fail_row(sequences_[static_cast<size_t>(member)].row, RowStatus::kTooLarge);
  }
}

bool Worker::fits_in_memory(const std::vector<int64_t>& members) {
  const auto body = [&] {
    fill_batch(members);
    run_batch();
  };
  if (has_memory_for(body)) {
    finish_rows(members);
    return true;
  }
  scratch_ = EncoderScratch();
  batch_ = Batch();
  return false;
}

void Worker::fill_batch(const std::vector<int64_t>& members) {
  batch_.ids.clear();
  batch_.positions.clear();
  batch_.types.clear();
  batch_.seq_offsets.assign(1, 0);
  batch_.row_index.clear();
  batch_.max_len = 0;
  for (const int64_t member : members) {
    const Sequence& sequence = sequences_[static_cast<size_t>(member)];
    const auto begin = static_cast<std::ptrdiff_t>(sequence.begin);
    const auto end = begin + static_cast<std::ptrdiff_t>(sequence.length);
    batch_.ids.insert(batch_.ids.end(), ids_.begin() + begin, ids_.begin() + end);
    batch_.types.insert(batch_.types.end(), types_.begin() + begin, types_.begin() + end);
    batch_.positions.resize(batch_.ids.size());
    std::iota(batch_.positions.end() - static_cast<std::ptrdiff_t>(sequence.length), batch_.positions.end(), 0);
    batch_.seq_offsets.push_back(batch_.num_tokens());
    batch_.row_index.push_back(sequence.row);
    batch_.max_len = std::max(batch_.max_len, sequence.length);
  }
}

void Worker::run_batch() {
  const LoadedModel& model = call_.model();
  const Settings& settings = call_.settings();
  const MatrixView hidden = model.encoder.forward(*stream_, batch_, settings.selection, scratch_);
  const MatrixView vectors = model.head.finish(*stream_, hidden, batch_, settings.plan, scratch_);
  for (int64_t i = 0; i < batch_.num_seqs(); ++i) {
    const int64_t row = batch_.row_index[static_cast<size_t>(i)];
    stream_->download_row(vectors, i, settings.dim, call_.out().vector(row));
  }
}

void Worker::finish_rows(const std::vector<int64_t>& members) {
  int64_t tokens = 0;
  for (const int64_t member : members) {
    const Sequence& sequence = sequences_[static_cast<size_t>(member)];
    call_.out().set_outcome(sequence.row, RowStatus::kOk, sequence.length, sequence.truncated);
    tokens += sequence.length;
    if (sequence.truncated) ++stats_.truncated;
  }
  const auto rows = static_cast<int64_t>(members.size());
  stats_.rows += rows;
  stats_.tokens += tokens;
  ++stats_.batches;
  call_.add_done(rows, tokens);
}

void Worker::fail_row(int64_t row, RowStatus status) {
  call_.out().set_outcome(row, status, 0, false);
  ++stats_.failed;
  call_.add_done(1, 0);
}

}  // namespace emberline
