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
void refuse_scaling(const JsonValue& parameters) {
  for (const auto& [key, value] : parameters.members()) {
    check(key == "rope_type" || key == "type" || key == "rope_theta" || !parameters.find(key), Code::kUnsupported,
          "{}: got key {}, supported: rope_type \"default\" and rope_theta", parameters.where(), key);
  }
  for (const char* key : {"rope_type", "type"}) {
    const auto type = parameters.find(key);
    check(!type || type->text() == "default", Code::kUnsupported, "{}: {}: got {}, supported: \"default\"",
          parameters.where(), key, type ? type->shown() : "");
  }
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
  network.rotation_scaling = {.kind = RotationScaling::Kind::kLinear,
                              .factor = std::pow(factor, 2 / static_cast<double>(network.head_dim()))};
}

class RotationReader {
 public:
  RotationReader(const JsonValue& file, const Family& family, NetworkConfig& network)
      : file_(file), family_(family), network_(network) {}

  void read() const {
    const ConfigKeys& keys = family_.keys;
    read_theta(file_, keys.rotation_theta, network_.rotation_theta);
    read_theta(file_, keys.local_rotation_theta, network_.local_rotation_theta);
    const auto parameters = file_.find("rope_parameters");
    const auto scaling = file_.find("rope_scaling");
    if (scaling && keys.ntk_scaling != nullptr) return read_ntk_scaling(*scaling, network_);
    check(!scaling || family_.scales_rotation, Code::kUnsupported,
          "{}: rope_scaling: scaled rotary positions are not supported", file_.where());
    if (keys.local_rotation_theta == nullptr) {
      // Files of older releases have the scaling alone.
      if (scaling) {
        read_parameters(*scaling, network_.rotation_theta, network_.rotation_scaling);
      } else if (parameters) {
        read_parameters(*parameters, network_.rotation_theta, network_.rotation_scaling);
      }
      return;
    }
    const auto global = parameters ? parameters->find("full_attention") : std::nullopt;
    const auto local = parameters ? parameters->find("sliding_attention") : std::nullopt;
    if (global) read_parameters(*global, network_.rotation_theta, network_.rotation_scaling);
    if (scaling) read_parameters(*scaling, network_.rotation_theta, network_.rotation_scaling);
    if (local) read_parameters(*local, network_.local_rotation_theta, network_.local_rotation_scaling);
  }

 private:
  void read_parameters(const JsonValue& parameters, double& theta, RotationScaling& scaling) const {
    if (family_.scales_rotation) {
      scaling = read_rotation_scaling(parameters, network_.max_position_embeddings);
      // Beside the parameters, this one wins over theirs.
      const auto positions = file_.find("original_max_position_embeddings");
      if (positions) scaling.original_positions = positions->integer(1, 1 << 24);
    } else {
      refuse_scaling(parameters);
    }
    read_theta(parameters, "rope_theta", theta);
  }

  const JsonValue& file_;
  const Family& family_;
  NetworkConfig& network_;
};

}  // namespace

void read_rotation(const JsonValue& file, const Family& family, NetworkConfig& network) {
  if (network.rotation_theta == 0) return;
  RotationReader(file, family, network).read();
  check(network.head_dim() % 2 == 0, Code::kFormat, "{}: heads of {} numbers cannot be rotated in pairs: {} is {}",
        file.where(), network.head_dim(),
        network.head_size > 0 ? family.keys.head_size : family.keys.num_attention_heads,
        network.head_size > 0 ? network.head_size : network.num_attention_heads);
}

std::vector<float> rotation_table(double theta, int64_t positions, int64_t head_dim, const RotationScaling& scaling) {
  const std::vector<float> frequencies = rotation_frequencies(theta, head_dim, scaling);
  const auto magnitude = static_cast<float>(scaling.magnitude);
  const int64_t half = head_dim / 2;
  std::vector<float> table(static_cast<size_t>(positions * head_dim));
  for (int64_t i = 0; i < half; ++i) {
    const float frequency = frequencies[static_cast<size_t>(i)];
    for (int64_t position = 0; position < positions; ++position) {
      // In f32, as the reference computes angles: far positions feel the rounding.
      const double angle = static_cast<float>(position) * frequency;
      float* row = table.data() + position * head_dim;
      row[i] = static_cast<float>(std::cos(angle)) * magnitude;
      row[half + i] = static_cast<float>(std::sin(angle)) * magnitude;
    }
  }
  return table;
}

}  // namespace emberline
