# SPDX-License-Identifier: Apache-2.0
emb_sources(engine 3
  src/engine/calibration.cc
  src/engine/claim.cc
  src/engine/device_queue.cc
  src/engine/embed_call.cc
  src/engine/engine.cc
  src/engine/info.cc
  src/engine/loaded_model.cc
  src/engine/model_source.cc
  src/engine/options.cc
  src/engine/output.cc
  src/engine/packed_cache.cc
  src/engine/packer.cc
  src/engine/pass.cc
  src/engine/queued_worker.cc
  src/engine/ranges.cc
  src/engine/rows.cc
  src/engine/settings.cc
  src/engine/windows.cc
  src/engine/worker.cc
)
