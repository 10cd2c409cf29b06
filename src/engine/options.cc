// SPDX-License-Identifier: Apache-2.0
#include "engine/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <system_error>

#include "base/error.h"

namespace emberline {
namespace {

template <typename Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

constexpr std::array<Choice<LayerOp>, 4> kLayerOps{
    {{"mean", LayerOp::kMean}, {"sum", LayerOp::kSum}, {"concat", LayerOp::kConcat}, {"max", LayerOp::kMax}}};
constexpr std::array<Choice<Pooling>, 6> kPoolings{{{"mean", Pooling::kMean},
                                                    {"cls", Pooling::kCls},
                                                    {"max", Pooling::kMax},
                                                    {"last", Pooling::kLast},
                                                    {"weighted_mean", Pooling::kWeightedMean},
                                                    {"mean_sqrt_len", Pooling::kMeanSqrtLen}}};
constexpr std::array<Choice<LongText>, 3> kLongTexts{
    {{"truncate", LongText::kTruncate}, {"error", LongText::kError}, {"chunk", LongText::kChunk}}};

constexpr std::array<Choice<Output>, 6> kOutputs{{{"float32", Output::kFloat32},
                                                  {"float16", Output::kFloat16},
                                                  {"int8", Output::kInt8},
                                                  {"uint8", Output::kUint8},
                                                  {"binary", Output::kBinary},
                                                  {"ubinary", Output::kUbinary}}};

constexpr std::array<Choice<ScoreActivation>, 3> kActivations{
    {{"none", ScoreActivation::kNone}, {"sigmoid", ScoreActivation::kSigmoid}, {"softmax", ScoreActivation::kSoftmax}}};

constexpr std::array<Choice<DType>, 3> kDtypes{{{"f32", DType::kF32}, {"bf16", DType::kBF16}, {"int8", DType::kI8}}};

constexpr int64_t kMaxTokens = int64_t{1} << 20;
constexpr int64_t kMaxDims = int64_t{1} << 24;
constexpr int64_t kMaxThreads = 1024;

[[noreturn]] void reject(const OptionSpec& spec, std::string_view value, const std::string& expected) {
  fail(Code::kInvalidArgument, "option {}: got \"{}\", expected {}", spec.name, value, expected);
}

[[noreturn]] void reject_choice(const OptionSpec& spec, std::string_view value) {
  std::string known;
  for (const char* c = spec.choices; *c != '\0'; ++c) known += *c == ',' ? std::string(", ") : std::string(1, *c);
  reject(spec, value, "one of " + known);
}

[[noreturn]] void reject_unsupported(const OptionSpec& spec, std::string_view value, std::string_view reason) {
  fail(Code::kUnsupported, "option {}: {} is not supported: {}", spec.name, value, reason);
}

template <typename Enum, size_t N>
Enum parse_choice(const std::array<Choice<Enum>, N>& choices, const OptionSpec& spec, std::string_view value) {
  for (const auto& choice : choices) {
    if (choice.name == value) return choice.value;
  }
  reject_choice(spec, value);
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A number in 1..largest, or the option's default word ("auto", or "" for the model's own).
std::optional<int64_t> parse_count(const OptionSpec& spec, std::string_view value, int64_t largest) {
  if (value == spec.initial) return std::nullopt;
  const std::optional<int64_t> number = parse_integer(value);
  if (!number || *number < 1 || *number > largest) {
    std::string expected = message("an integer from 1 to {}", largest);
    if (spec.initial[0] != '\0') expected += message(", or {}", spec.initial);
    reject(spec, value, expected);
  }
  return number;
}

void apply_device(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value == "cuda" || value.starts_with("cuda:")) {
    reject_unsupported(spec, value, "this build has no CUDA; it runs on auto, cpu");
  }
  if (value != "auto" && value != "cpu") reject_choice(spec, value);
  options.device = value;
}

void apply_cache_dir(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value == spec.initial) {
    options.cache_dir.reset();
  } else {
    options.cache_dir = std::string(value);
  }
}

// An empty text unsets it.
template <std::optional<std::string> Options::* kMember>
void apply_text(Options& options, const OptionSpec&, std::string_view value) {
  options.*kMember = value.empty() ? std::nullopt : std::optional(std::string(value));
}

void apply_dtype(Options& options, const OptionSpec& spec, std::string_view value) {
  // Part of emberline's vocabulary, but of devices that this build does not run on.
  if (value == "f16" || value == "fp8") reject_unsupported(spec, value, "this build computes in auto, f32, bf16, int8");
  if (value == "auto") {
    options.dtype.reset();
  } else {
    options.dtype = parse_choice(kDtypes, spec, value);
  }
}

struct LayerItem {
  int64_t first = 0;
  int64_t last = 0;
};

// The grammar alone: "1,6,-4:-1". Empty where the text does not follow it.
std::vector<LayerItem> parse_layer_items(std::string_view text) {
  std::vector<LayerItem> items;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const size_t colon = item.find(':');
    const std::optional<int64_t> first = parse_integer(item.substr(0, colon));
    const std::optional<int64_t> last = colon == item.npos ? first : parse_integer(item.substr(colon + 1));
    if (!first || !last) return {};
    items.push_back({*first, *last});
    if (comma == text.npos) return items;
    text.remove_prefix(comma + 1);
  }
}

void apply_layers(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value != "all" && parse_layer_items(value).empty()) {
    reject(spec, value, "layer numbers and ranges as in -1, -4:-1, \"1,6,12\", or all");
  }
  options.layers = value;
}

void apply_layer_op(Options& options, const OptionSpec& spec, std::string_view value) {
  options.layer_op = parse_choice(kLayerOps, spec, value);
}

void apply_pooling(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value == "none") {
    reject_unsupported(spec, value, message("this build gives one vector a row; it pools by {}", spec.choices));
  }
  if (value.empty()) {
    options.pooling.reset();
  } else {
    options.pooling = parse_choice(kPoolings, spec, value);
  }
}

void apply_normalize(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value.empty()) {
    options.normalize.reset();
  } else if (value == "true" || value == "false") {
    options.normalize = value == "true";
  } else {
    reject(spec, value, "true or false");
  }
}

void apply_dims(Options& options, const OptionSpec& spec, std::string_view value) {
  options.dims = parse_count(spec, value, kMaxDims);
}

void apply_activation(Options& options, const OptionSpec& spec, std::string_view value) {
  if (value.empty()) {
    options.activation.reset();
  } else {
    options.activation = parse_choice(kActivations, spec, value);
  }
}

void apply_output(Options& options, const OptionSpec& spec, std::string_view value) {
  options.output = parse_choice(kOutputs, spec, value);
}

void apply_prompt(Options& options, const OptionSpec&, std::string_view value) {
  options.prompt = std::string(value);
}

void apply_max_tokens(Options& options, const OptionSpec& spec, std::string_view value) {
  options.max_tokens = parse_count(spec, value, kMaxTokens);
}

void apply_long_text(Options& options, const OptionSpec& spec, std::string_view value) {
  options.long_text = parse_choice(kLongTexts, spec, value);
}

void apply_window(Options& options, const OptionSpec& spec, std::string_view value) {
  options.window = parse_count(spec, value, kMaxTokens);
}

void apply_overlap(Options& options, const OptionSpec& spec, std::string_view value) {
  const std::optional<int64_t> number = parse_integer(value);
  if (!number || *number < 0 || *number > kMaxTokens)
    reject(spec, value, message("an integer from 0 to {}", kMaxTokens));
  options.overlap = *number;
}

void apply_batch_tokens(Options& options, const OptionSpec& spec, std::string_view value) {
  options.batch_tokens = parse_count(spec, value, kMaxTokens);
}

void apply_threads(Options& options, const OptionSpec& spec, std::string_view value) {
  options.threads = parse_count(spec, value, kMaxThreads);
}

constexpr std::array<OptionSpec, 20> kTable{{
    {"device", "choice", "auto", "auto,cpu", "Where the model runs; auto takes the best device of this build.", true,
     apply_device},
    {"dtype", "choice", "auto", "auto,f32,bf16,int8",
     "Compute precision; auto takes bf16 where it is the faster, else f32, never int8.", true, apply_dtype},
    {"cache_dir", "text", "auto", "",
     "Directory where packed weights are kept, so that the next load takes milliseconds; auto takes "
     "EMBERLINE_CACHE_DIR, else none.",
     true, apply_cache_dir},
    {"task", "text", "", "",
     "Task of the model whose adapter becomes part of its weights, and whose prompt its default one; unset takes the "
     "model without adapters.",
     true, apply_text<&Options::task>},
    {"layers", "layers", "-1", "",
     "Hidden layers to take: -1 is the last, 0 the embeddings' output, -4:-1 the last four, also 1,6,12 or all.", false,
     apply_layers},
    {"layer_op", "choice", "mean", "mean,sum,concat,max", "How several layers combine.", false, apply_layer_op},
    {"pooling", "choice", "", "mean,cls,max,last,weighted_mean,mean_sqrt_len",
     "How token vectors become one vector; unset takes the model's own.", false, apply_pooling},
    {"normalize", "boolean", "", "", "Scale vectors to length 1; unset takes the model's own.", false, apply_normalize},
    {"dims", "integer", "", "", "Keep the first n dimensions; unset keeps all.", false, apply_dims},
    {"output", "choice", "float32", "float32,float16,int8,uint8,binary,ubinary",
     "Form of the numbers that come out; int8 and uint8 need ranges, binary and ubinary hold a bit for each number.",
     false, apply_output},
    {"ranges", "text", "", "",
     "File of emberline calibrate, for output=int8 and uint8; unset takes the model's emberline_ranges.json.", false,
     apply_text<&Options::ranges>},
    {"activation", "choice", "", "none,sigmoid,softmax",
     "What scores of rerank go through, none for the model's raw numbers; unset takes the model's own.", false,
     apply_activation},
    {"prompt", "text", "", "",
     "Text put before each input; unset takes the model's default prompt, an empty text turns it off.", false,
     apply_prompt},
    {"prompt_name", "text", "", "", "Name of one of the model's own prompts; prompt wins over it.", false,
     apply_text<&Options::prompt_name>},
    {"max_tokens", "integer", "", "", "Tokens of one row, special tokens included; unset takes the model's own.", false,
     apply_max_tokens},
    {"long_text", "choice", "truncate", "truncate,error,chunk",
     "What happens to a row of more than max_tokens tokens; chunk computes it in windows and takes the mean of their "
     "vectors, weighted by tokens.",
     false, apply_long_text},
    {"window", "integer", "", "",
     "Tokens of one window of long_text=chunk, special tokens and prompt included; unset takes max_tokens.", false,
     apply_window},
    {"overlap", "integer", "0", "", "Tokens that a window of long_text=chunk shares with the one before.", false,
     apply_overlap},
    {"batch_tokens", "integer", "auto", "", "Tokens computed together on one thread; auto fits the device.", false,
     apply_batch_tokens},
    {"threads", "integer", "auto", "", "CPU threads of one call; auto takes every CPU this process may use.", false,
     apply_threads},
}};

// Edit distance with insertions, deletions and substitutions of one character.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substitution = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substitution, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

[[noreturn]] void reject_name(std::string_view name) {
  constexpr size_t kLongestName = 64;  // beyond it no option is near, and the distance costs time
  const OptionSpec* nearest = nullptr;
  size_t nearest_distance = kLongestName;
  std::string known;
  for (const OptionSpec& spec : kTable) {
    known += (known.empty() ? "" : ", ") + std::string(spec.name);
    const size_t distance = name.size() > kLongestName ? kLongestName : edit_distance(name, spec.name);
    if (distance < nearest_distance) {
      nearest = &spec;
      nearest_distance = distance;
    }
  }
  const std::string shown =
      name.size() > kLongestName ? std::string(name.substr(0, kLongestName)) + "..." : std::string(name);
  const size_t near_enough = std::max<size_t>(2, name.size() / 2);
  if (nearest != nullptr && nearest_distance <= near_enough) {
    fail(Code::kInvalidArgument, "option {}: unknown; did you mean {}? Known: {}", shown, nearest->name, known);
  }
  fail(Code::kInvalidArgument, "option {}: unknown. Known: {}", shown, known);
}

template <typename Enum, size_t N>
const char* choice_name(const std::array<Choice<Enum>, N>& choices, Enum value) {
  for (const auto& choice : choices) {
    if (choice.value == value) return choice.name.data();
  }
  return "unknown";
}

}  // namespace

std::span<const OptionSpec> option_table() {
  return kTable;
}

void set_option(Options& options, std::string_view name, std::string_view value) {
  for (const OptionSpec& spec : kTable) {
    if (name == spec.name) return spec.apply(options, spec, value);
  }
  reject_name(name);
}

std::vector<int64_t> resolve_layers(std::string_view text, int64_t num_hidden_layers) {
  const std::vector<LayerItem> items =
      text == "all" ? std::vector<LayerItem>{{0, num_hidden_layers}} : parse_layer_items(text);
  check(!items.empty(), Code::kInvalidArgument, "option layers: got \"{}\", expected layer numbers and ranges", text);
  const auto absolute = [&](int64_t layer) {
    const bool known = layer >= -num_hidden_layers - 1 && layer <= num_hidden_layers;
    check(known, Code::kInvalidArgument,
          "option layers: got layer {} in \"{}\", expected {} to {} (0 is the embeddings' output, {} or -1 the last "
          "layer)",
          layer, text, -num_hidden_layers - 1, num_hidden_layers, num_hidden_layers);
    return layer < 0 ? layer + num_hidden_layers + 1 : layer;
  };
  std::vector<int64_t> layers;
  for (const LayerItem& item : items) {
    const int64_t first = absolute(item.first);
    const int64_t last = absolute(item.last);
    check(first <= last, Code::kInvalidArgument,
          "option layers: got range {}:{} in \"{}\", which is {} to {}, expected its first layer before its last",
          item.first, item.last, text, first, last);
    for (int64_t layer = first; layer <= last; ++layer) {
      check(std::find(layers.begin(), layers.end(), layer) == layers.end(), Code::kInvalidArgument,
            "option layers: got layer {} twice in \"{}\", expected every layer once", layer, text);
      layers.push_back(layer);
    }
  }
  return layers;
}

const char* pooling_name(Pooling pooling) {
  return choice_name(kPoolings, pooling);
}
const char* layer_op_name(LayerOp op) {
  return choice_name(kLayerOps, op);
}
const char* long_text_name(LongText long_text) {
  return choice_name(kLongTexts, long_text);
}
const char* output_name(Output output) {
  return choice_name(kOutputs, output);
}
const char* activation_name(ScoreActivation activation) {
  return choice_name(kActivations, activation);
}

}  // namespace emberline
