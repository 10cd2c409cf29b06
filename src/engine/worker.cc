// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.h"

#include "engine/pass.h"
#include "engine/scoped_timer.h"

namespace emberline {

Worker::Worker(EmbedCall& call, const Progress* progress, Stats& stats)
    : call_(call),
      progress_(progress),
      stats_(stats),
      stream_(call.model().backend->make_stream(call.threads_per_worker())) {}

void Worker::run() {
  while (!call_.stopped()) {
    const RowRange range = call_.claim();
    if (range.begin == range.end) return;
    claim_.tokenize(call_, range, stats_);
    for (const auto& members : pack_sequences(claim_.lengths(), call_.settings().batch_tokens)) {
      if (call_.stopped()) return;
      compute(members);
      if (progress_ != nullptr) call_.report(*progress_);
    }
    if (claim_.sequences().empty() && progress_ != nullptr) call_.report(*progress_);
  }
}

void Worker::compute(const std::vector<int64_t>& members) {
  const ScopedTimer timer(stats_.compute_ns);
  if (fits_in_memory(members)) return;
  for (const int64_t member : members) {
    if (call_.stopped()) return;
    const bool fits = members.size() > 1 && fits_in_memory({member});
    if (!fits) claim_.finish(call_, member, RowStatus::kTooLarge, stats_);
  }
}

bool Worker::fits_in_memory(const std::vector<int64_t>& members) {
  if (has_memory_for([&] { run_batch(members); })) {
    ++stats_.batches;
    for (const int64_t member : members) claim_.finish(call_, member, RowStatus::kOk, stats_);
    return true;
  }
  scratch_ = EncoderScratch();
  batch_ = Batch();
  return false;
}

void Worker::run_batch(const std::vector<int64_t>& members) {
  batch_.clear();
  for (const int64_t member : members) {
    const Sequence& sequence = claim_.sequence(member);
    batch_.append(claim_.ids(sequence), claim_.types(sequence), sequence.row);
  }
  const Settings& settings = call_.settings();
  const MatrixView vectors = run_pass(call_.model(), settings, *stream_, batch_, scratch_);
  for (size_t i = 0; i < members.size(); ++i) {
    stream_->download_row(vectors, static_cast<int64_t>(i), settings.dim, claim_.vector(members[i], call_.out()));
  }
}

}  // namespace emberline
