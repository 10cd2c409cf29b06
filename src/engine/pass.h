// SPDX-License-Identifier: Apache-2.0
#pragma once
// One batch through the whole network.
#include "backend/backend.h"
#include "engine/loaded_model.h"
#include "engine/settings.h"
#include "model/batch.h"
#include "model/encoder.h"

namespace emberline {

// [num_seqs, settings.dim] in scratch until the next call: finished vectors, or scores that settings.score_activation
// has not seen.
MatrixView run_pass(const LoadedModel& model, const Settings& settings, Stream& stream, const Batch& batch,
                    EncoderScratch& scratch);

}  // namespace emberline
