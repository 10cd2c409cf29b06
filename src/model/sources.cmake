# SPDX-License-Identifier: Apache-2.0
target_sources(emberline_core PRIVATE
  src/model/activations.cc
  src/model/config.cc
  src/model/distance_bias.cc
  src/model/encoder.cc
  src/model/encoder_weights.cc
  src/model/experts.cc
  src/model/families.cc
  src/model/head.cc
  src/model/json_value.cc
  src/model/local_layers.cc
  src/model/modules.cc
  src/model/relative_positions.cc
  src/model/rotation.cc
  src/model/rotation_scaling.cc
  src/model/smoothing.cc
  src/model/static_table.cc
  src/model/tensor_names.cc
  src/model/weights.cc
)
