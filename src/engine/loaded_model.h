// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights, tokenizer and device of one model directory: what all handles over it share.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "engine/calibration.h"
#include "model/classifier.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/head.h"
#include "text/tokenizer.h"

namespace emberline {

class DeviceQueue;

// Immutable after loading, safe from many threads.
struct LoadedModel {
  // cache_directory: where packed weights are kept; empty for nowhere. A cache that cannot be read or written is told
  // in cache_warning and changes nothing else. task: as the option has it.
  LoadedModel(std::unique_ptr<Backend> device_backend, const std::filesystem::path& directory,
              const std::filesystem::path& cache_directory = {}, const std::optional<std::string>& task = std::nullopt);
  ~LoadedModel();

  std::unique_ptr<const Backend> backend;  // first: everything below lives on it
  ModelConfig config;
  int64_t parameters = 0;
  int64_t weights_bytes = 0;  // of the tensors in the files
  std::string cache_file;     // packed weights were read from there or kept there; empty for neither
  std::string cache_warning;
  std::optional<Agreement> int8_agreement;  // of its vectors with those in f32, on a built-in text; int8 only
  Tokenizer tokenizer;
  Encoder encoder;
  Head head;
  std::optional<Classifier> classifier;  // none: config.no_classifier says why
  std::string device = "cpu";
  std::unique_ptr<DeviceQueue>
      queue;  // last: its thread uses the rest; null where threads compute batches of their own

 private:
  // What is read at the same time, tokenizer and weights.
  struct Parts;
  LoadedModel(std::unique_ptr<Backend>&& device_backend, Parts parts);
};

}  // namespace emberline
