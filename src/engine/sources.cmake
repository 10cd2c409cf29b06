# SPDX-License-Identifier: Apache-2.0
target_sources(emberline_core PRIVATE
  src/engine/engine.cc
  src/engine/model_source.cc
  src/engine/options.cc
  src/engine/packer.cc
  src/engine/rows.cc
)
