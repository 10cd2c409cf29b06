// SPDX-License-Identifier: Apache-2.0
#include "model/rotation.h"

#include <cmath>
#include <optional>
#include <string>

#include "base/error.h"

namespace emberline {
namespace {

void read_theta(const JsonValue& file, const char* key, double& out) {
  if (key == nullptr) return;
  const auto value = file.find(key);
  if (!value) return;
  out = value->number();
  if (!(out > 0) || !std::isfinite(out)) value->refuse("a number above 0");
}

// {"rope_type": "default", "rope_theta": 10000.0}: any other key belongs to a scaling of the angles.
void read_parameters(const JsonValue& parameters, double& theta) {
  for (const auto& [key, value] : parameters.members()) {
    check(key == "rope_type" || key == "type" || key == "rope_theta" || !parameters.find(key), Code::kUnsupported,
          "{}: got key {}, supported: rope_type \"default\" and rope_theta", parameters.where(), key);
  }
  for (const char* key : {"rope_type", "type"}) {
    const auto type = parameters.find(key);
    check(!type || type->text() == "default", Code::kUnsupported, "{}: {}: got {}, supported: \"default\"",
          parameters.where(), key, type ? type->shown() : "");
  }
  read_theta(parameters, "rope_theta", theta);
}

// {"type": "ntk", "factor": 2.0}: for texts so many times longer than those of training. The slowest frequency is
// divided by the factor, faster ones by less (https://kexue.fm/archives/9706, equation 6).
void read_ntk_scaling(const JsonValue& scaling, NetworkConfig& network) {
  for (const auto& [key, value] : scaling.members()) {
    check(key == "type" || key == "factor" || !scaling.find(key), Code::kUnsupported,
          "{}: got key {}, supported: type \"ntk\" and factor", scaling.where(), key);
  }
  const JsonValue type = scaling.at("type");
  check(type.text() == "ntk", Code::kUnsupported, "{}: got {}, supported: \"ntk\"", type.where(), type.shown());
  const JsonValue value = scaling.at("factor");
  const double factor = value.number();
  if (!(factor >= 1) || !std::isfinite(factor)) value.refuse("a number from 1 on");
  network.rotation_theta *= factor;
  network.rotation_slowing = std::pow(factor, 2 / static_cast<double>(network.head_dim()));
}

// Every layer's kind where "layer_types" says it, else one global layer in so many.
void read_local_layers(const JsonValue& file, NetworkConfig& network) {
  const auto num_layers = static_cast<size_t>(network.num_hidden_layers);
  network.local_layers.assign(num_layers, false);
  if (const auto types = file.find("layer_types")) {
    const std::vector<JsonValue> kinds = types->items();
    check(kinds.size() == num_layers, Code::kFormat, "{}: got {} kinds, expected one for each of {} layers",
          types->where(), kinds.size(), num_layers);
    for (size_t i = 0; i < num_layers; ++i) {
      const std::string kind = kinds[i].text();
      if (kind != "full_attention" && kind != "sliding_attention") {
        kinds[i].refuse("\"full_attention\" or \"sliding_attention\"");
      }
      network.local_layers[i] = kind == "sliding_attention";
    }
    return;
  }
  int64_t every = 3;
  if (const auto value = file.find("global_attn_every_n_layers")) every = value->integer(1, 1 << 10);
  for (size_t i = 0; i < num_layers; ++i) network.local_layers[i] = i % static_cast<size_t>(every) != 0;
}

}  // namespace

void read_rotation(const JsonValue& file, const ConfigKeys& keys, NetworkConfig& network) {
  if (network.rotation_theta == 0) return;
  read_theta(file, keys.rotation_theta, network.rotation_theta);
  if (const auto scaling = file.find("rope_scaling")) {
    check(keys.ntk_scaling != nullptr, Code::kUnsupported, "{}: scaled rotary positions are not supported",
          scaling->where());
    read_ntk_scaling(*scaling, network);
  }
  const auto parameters = file.find("rope_parameters");
  if (keys.window == nullptr) {
    if (parameters) read_parameters(*parameters, network.rotation_theta);
  } else {
    read_theta(file, keys.local_rotation_theta, network.local_rotation_theta);
    const auto global = parameters ? parameters->find("full_attention") : std::nullopt;
    const auto local = parameters ? parameters->find("sliding_attention") : std::nullopt;
    if (global) read_parameters(*global, network.rotation_theta);
    if (local) read_parameters(*local, network.local_rotation_theta);
    if (const auto value = file.find(keys.window)) network.window = value->integer(2, 1 << 24) / 2;
    read_local_layers(file, network);
  }
  check(network.head_dim() % 2 == 0, Code::kFormat, "{}: heads of {} numbers cannot be rotated in pairs: {} is {}",
        file.where(), network.head_dim(), keys.num_attention_heads, network.num_attention_heads);
}

// In f32, as the reference computes angles: far positions feel the rounding of a frequency.
std::vector<float> rotation_table(double theta, int64_t positions, int64_t head_dim, double slowing) {
  const int64_t half = head_dim / 2;
  std::vector<float> table(static_cast<size_t>(positions * head_dim));
  for (int64_t i = 0; i < half; ++i) {
    const float power = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    const float frequency = 1.0F / std::pow(static_cast<float>(theta), power) / static_cast<float>(slowing);
    for (int64_t position = 0; position < positions; ++position) {
      const double angle = static_cast<float>(position) * frequency;
      float* row = table.data() + position * head_dim;
      row[i] = static_cast<float>(std::cos(angle));
      row[half + i] = static_cast<float>(std::sin(angle));
    }
  }
  return table;
}

}  // namespace emberline
