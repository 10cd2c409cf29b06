# SPDX-License-Identifier: Apache-2.0
emb_sources(base 1
  src/base/convert.cc
  src/base/cpu_features.cc
  src/base/error.cc
  src/base/mapped_file.cc
  src/base/new_file.cc
  src/base/parallel.cc
  src/base/team.cc
)
