// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every option of emberline, described once: the C ABI, Python, the command line and SQL all read this table.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/tensor.h"
#include "engine/output.h"
#include "model/config.h"

namespace emberline {

enum class LongText { kTruncate, kError, kChunk };

// Values as the user set them; an empty optional means the model's own or auto.
struct Options {
  // Fixed when the model is loaded:
  std::string device = "auto";
  std::optional<DType> dtype;            // f32, bf16 or int8
  std::optional<std::string> cache_dir;  // where packed weights are kept; an empty text for nowhere
  std::optional<std::string> task;       // whose adapter is merged into the weights
  // May differ from handle to handle over the same weights:
  std::string layers = "-1";  // "-1", "-4:-1", "1,6,12", "all"
  LayerOp layer_op = LayerOp::kMean;
  std::optional<Pooling> pooling;
  std::optional<bool> normalize;
  std::optional<int64_t> dims;
  std::optional<ScoreActivation> activation;
  Output output = Output::kFloat32;
  std::optional<std::string> ranges;  // a file, of output=int8 and uint8
  std::optional<std::string> prompt;
  std::optional<std::string> prompt_name;
  std::optional<int64_t> max_tokens;
  LongText long_text = LongText::kTruncate;
  std::optional<int64_t> window;  // of long_text=chunk, as is overlap
  int64_t overlap = 0;
  std::optional<int64_t> batch_tokens;
  std::optional<int64_t> threads;
};

struct OptionSpec {
  const char* name;
  const char* type;     // "text", "integer", "boolean", "choice" or "layers"
  const char* initial;  // default as text; "" = the model's own
  const char* choices;  // comma separated, for "choice"
  const char* help;     // one sentence
  bool load_time;
  void (*apply)(Options& options, const OptionSpec& spec, std::string_view value);  // parse, check, store
};

std::span<const OptionSpec> option_table();

// Throws Error(kInvalidArgument): an unknown name (with the nearest known one), a value of the wrong type or out of
// range; Error(kUnsupported): a documented value that this build cannot do. On failure options stays as it was. Every
// option's own default is a valid value.
void set_option(Options& options, std::string_view name, std::string_view value);

// "-4:-1" of a 6-layer network -> {3, 4, 5, 6}; layer 0 is the embeddings' output, "all" is every layer from 0. Keeps
// the order of the text. Throws Error(kInvalidArgument) with the valid range.
std::vector<int64_t> resolve_layers(std::string_view text, int64_t num_hidden_layers);

// The words of the option table for enumerators: "mean_sqrt_len", "concat".
const char* pooling_name(Pooling pooling);
const char* layer_op_name(LayerOp op);
const char* long_text_name(LongText long_text);
const char* output_name(Output output);
const char* activation_name(ScoreActivation activation);

}  // namespace emberline
