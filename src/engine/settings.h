// SPDX-License-Identifier: Apache-2.0
#pragma once
// Options meet a model: what one handle does, with every default resolved.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/options.h"
#include "model/encoder.h"
#include "model/head.h"

namespace emberline {

// How a row of more than max_tokens tokens becomes windows.
struct WindowPlan {
  int64_t head_tokens = 0;  // special tokens and the prompt's, with which each window begins
  int64_t tail_tokens = 0;  // special tokens with which it ends
  int64_t size = 0;         // of the text's own tokens in a window
  int64_t overlap = 0;
};

struct Settings {
  LayerSelection selection;
  HeadPlan plan;
  bool normalize = false;   // whether vectors come out with length 1
  std::string prompt;       // put before every text; may be empty
  std::string prompt_name;  // where the prompt came from; empty for none or for one given as text
  int64_t max_tokens = 0;   // special tokens included
  LongText long_text = LongText::kTruncate;
  WindowPlan windows;  // of long_text=chunk
  int64_t batch_tokens = 0;
  int64_t num_threads = 0;
  int64_t dim = 0;         // numbers in one vector
  bool is_rerank = false;  // rows are pairs of texts, and what comes out are their scores
  ScoreActivation score_activation = ScoreActivation::kNone;  // of rerank
  Output output = Output::kFloat32;
  OutputLevels levels;             // of output=int8 and uint8
  int64_t vector_bytes = 0;        // of one vector as it comes out
  std::vector<std::string> notes;  // what the options changed silently, one sentence each
};

// Throws Error(kInvalidArgument) naming the option, its value and what this model allows.
Settings resolve_settings(const LoadedModel& model, const Options& options);

// What embed's settings become for pairs. Throws Error(kUnsupported) with the reason where the model scores none,
// Error(kInvalidArgument) where an option does not go with pairs.
Settings resolve_rerank(const LoadedModel& model, const Options& options, const Settings& of_embed);

// JSON: the model, the device, the options in force, notes and warnings.
// `rerank`: null where the model scores no pairs.
std::string describe(const LoadedModel& model, const Settings& settings, const Settings* rerank);

}  // namespace emberline
