// SPDX-License-Identifier: Apache-2.0
#pragma once
// From hidden states to scores: the head of a class *ForSequenceClassification.
#include <cstdint>
#include <memory>
#include <span>

#include "backend/backend.h"
#include "model/batch.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/weights.h"

namespace emberline {

// Weights, packed; in f32 whatever the backend's dtype. Immutable, shared by all threads.
class Classifier {
 public:
  // Throws Error(kFormat): tensors that are missing, all of them named, or of other shapes than config.json says.
  Classifier(const NetworkConfig& network, const ClassifierConfig& config, const Weights& weights,
             const Backend& backend);

  int64_t num_labels() const { return config_.num_labels; }

  // [num_seqs, num_labels] in scratch until the next call, before the scores' own activation.
  MatrixView score(Stream& stream, MatrixView hidden, const Batch& batch, EncoderScratch& scratch) const;

 private:
  ClassifierConfig config_;
  std::unique_ptr<Linear> dense_;   // [hidden, hidden]
  NormWeights norm_;                // its gain is null where there is none
  std::unique_ptr<Linear> scores_;  // [num_labels, hidden]
  const Backend& backend_;
};

// In place, one sequence's scores [num_labels].
void activate_scores(ScoreActivation activation, std::span<float> scores);

}  // namespace emberline
