// SPDX-License-Identifier: Apache-2.0
#include "engine/pass.h"

namespace emberline {

MatrixView run_pass(const LoadedModel& model, const Settings& settings, Stream& stream, const Batch& batch,
                    EncoderScratch& scratch) {
  const MatrixView hidden = model.encoder.forward(stream, batch, settings.selection, scratch);
  if (settings.is_rerank) return model.classifier->score(stream, hidden, batch, scratch);
  return model.head.finish(stream, hidden, batch, settings.plan, scratch);
}

}  // namespace emberline
