// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights, tokenizer and device of one model directory: what all handles over it share.
#include <filesystem>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/head.h"
#include "text/tokenizer.h"

namespace emberline {

// Immutable after loading, safe from many threads.
struct LoadedModel {
  LoadedModel(std::unique_ptr<const Backend> device_backend, const std::filesystem::path& directory);

  std::unique_ptr<const Backend> backend;  // first: everything below lives on it
  ModelConfig config;
  Tokenizer tokenizer;
  int64_t parameters = 0;
  int64_t weights_bytes = 0;  // of the tensors in the files
  Encoder encoder;
  Head head;
  std::string device = "cpu";

 private:
  Encoder read_encoder();
};

}  // namespace emberline
