// SPDX-License-Identifier: Apache-2.0
#include "model/rotation_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace emberline {
namespace {

using ScalingKind = RotationScaling::Kind;

struct ScalingType {
  const char* name;
  ScalingKind kind;
  std::vector<std::string_view> keys;  // beside rope_type, type and rope_theta
};

const ScalingType kTypes[] = {
    {"default", ScalingKind::kNone, {}},
    {"linear", ScalingKind::kLinear, {"factor"}},
    {"llama3",
     ScalingKind::kLlama3,
     {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}},
    {"yarn",
     ScalingKind::kYarn,
     {"factor", "original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow", "mscale",
      "mscale_all_dim", "truncate"}},
};

const ScalingType& read_type(const JsonValue& parameters) {
  auto type = parameters.find("rope_type");
  if (!type) type = parameters.find("type");
  const std::string name = type ? type->text() : "default";
  std::string known;
  for (const ScalingType& entry : kTypes) {
    if (name == entry.name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail(Code::kUnsupported, "{}: got \"{}\", supported: {}", type ? type->where() : parameters.where(), name, known);
}

void refuse_other_keys(const JsonValue& parameters, const ScalingType& type) {
  for (const auto& [key, value] : parameters.members()) {
    const bool is_common = key == "rope_type" || key == "type" || key == "rope_theta";
    const bool is_own = std::find(type.keys.begin(), type.keys.end(), key) != type.keys.end();
    if (is_common || is_own || !parameters.find(key)) continue;
    // All of a head is turned.
    if (key == "partial_rotary_factor" && value.number() == 1) continue;
    std::string known = "rope_theta";
    for (const std::string_view own : type.keys) known += ", " + std::string(own);
    fail(Code::kUnsupported, "{}: got key {}, supported beside rope_type \"{}\": {}", parameters.where(), key,
         type.name, known);
  }
}

double positive(const JsonValue& value) {
  const double number = value.number();
  if (!(number > 0) || !std::isfinite(number)) value.refuse("a number above 0");
  return number;
}

// `otherwise` where the key is missing or 0, as the reference has it for most of these.
double positive_or(const JsonValue& parameters, const char* key, double otherwise) {
  const auto value = parameters.find(key);
  return value && value->number() != 0 ? positive(*value) : otherwise;
}

double yarn_magnitude(const JsonValue& parameters, double factor) {
  if (const auto value = parameters.find("attention_factor")) return positive(*value);
  const auto grown = [&](double share) { return factor <= 1 ? 1.0 : 0.1 * share * std::log(factor) + 1; };
  const double share = positive_or(parameters, "mscale", 0);
  const double of_all = positive_or(parameters, "mscale_all_dim", 0);
  return share > 0 && of_all > 0 ? grown(share) / grown(of_all) : grown(1);
}

// All in f32 from here on, in the reference's order: far positions feel the rounding of a frequency.

float llama3_frequency(float frequency, const RotationScaling& scaling) {
  const auto factor = static_cast<float>(scaling.factor);
  const auto positions = static_cast<double>(scaling.original_positions);
  const float wave_length = static_cast<float>(2 * std::numbers::pi) / frequency;
  if (wave_length > static_cast<float>(positions / scaling.low_turns)) return frequency / factor;
  if (wave_length < static_cast<float>(positions / scaling.high_turns)) return frequency;
  const float turns = static_cast<float>(positions) / wave_length;
  const float share =
      (turns - static_cast<float>(scaling.low_turns)) / static_cast<float>(scaling.high_turns - scaling.low_turns);
  return (1 - share) * frequency / factor + share * frequency;
}

// The places of frequencies from which on they begin to be divided, and are divided wholly.
std::pair<double, double> yarn_places(double theta, int64_t head_dim, const RotationScaling& scaling) {
  const auto place_of = [&](double turns) {
    const double positions_a_turn = static_cast<double>(scaling.original_positions) / (turns * 2 * std::numbers::pi);
    return static_cast<double>(head_dim) * std::log(positions_a_turn) / (2 * std::log(theta));
  };
  double first = place_of(scaling.high_turns);
  double last = place_of(scaling.low_turns);
  if (scaling.whole_places) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, static_cast<double>(head_dim - 1));
  return {first, first == last ? last + 0.001 : last};
}

float yarn_frequency(float power, int64_t place, std::pair<double, double> places, double factor) {
  const auto [first, last] = places;
  const float ramp = (static_cast<float>(place) - static_cast<float>(first)) / static_cast<float>(last - first);
  const float kept = 1 - std::clamp(ramp, 0.0F, 1.0F);
  return 1 / (static_cast<float>(factor) * power) * (1 - kept) + 1 / power * kept;
}

}  // namespace

RotationScaling read_rotation_scaling(const JsonValue& parameters, int64_t max_positions) {
  const ScalingType& type = read_type(parameters);
  refuse_other_keys(parameters, type);
  RotationScaling scaling;
  scaling.kind = type.kind;
  if (type.kind == ScalingKind::kNone) return scaling;
  scaling.original_positions = max_positions;
  if (const auto value = parameters.find("original_max_position_embeddings")) {
    scaling.original_positions = value->integer(1, 1 << 24);
  }
  if (type.kind == ScalingKind::kYarn && !parameters.find("factor")) {
    scaling.factor = static_cast<double>(max_positions) / static_cast<double>(scaling.original_positions);
  } else {
    scaling.factor = positive(parameters.at("factor"));
  }
  if (type.kind == ScalingKind::kLlama3) {
    scaling.low_turns = positive(parameters.at("low_freq_factor"));
    scaling.high_turns = positive(parameters.at("high_freq_factor"));
    check(scaling.low_turns < scaling.high_turns, Code::kFormat,
          "{}: low_freq_factor: got {}, expected less than high_freq_factor {}", parameters.where(), scaling.low_turns,
          scaling.high_turns);
  } else if (type.kind == ScalingKind::kYarn) {
    scaling.low_turns = positive_or(parameters, "beta_slow", 1);
    scaling.high_turns = positive_or(parameters, "beta_fast", 32);
    scaling.magnitude = yarn_magnitude(parameters, scaling.factor);
    if (const auto value = parameters.find("truncate")) scaling.whole_places = value->boolean();
  }
  return scaling;
}

std::vector<float> rotation_frequencies(double theta, int64_t head_dim, const RotationScaling& scaling) {
  std::pair<double, double> places;
  if (scaling.kind == ScalingKind::kYarn) places = yarn_places(theta, head_dim, scaling);
  std::vector<float> frequencies;
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const float power = std::pow(static_cast<float>(theta), exponent);
    float frequency = 1.0F / power;
    switch (scaling.kind) {
      case ScalingKind::kNone: break;
      case ScalingKind::kLinear: frequency /= static_cast<float>(scaling.factor); break;
      case ScalingKind::kLlama3: frequency = llama3_frequency(frequency, scaling); break;
      case ScalingKind::kYarn: frequency = yarn_frequency(power, i, places, scaling.factor); break;
    }
    frequencies.push_back(frequency);
  }
  return frequencies;
}

}  // namespace emberline
