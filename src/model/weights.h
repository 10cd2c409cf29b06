// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tensors of a model directory: one model.safetensors, or shards named by model.safetensors.index.json, mapped read-only.
//
// Format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data. Every offset,
// length, dtype and shape is checked before a byte of data is touched; offsets must not overlap or leave the file.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/tensor.h"

namespace emberline {

// Owns the mappings; views live as long as it does. Immutable after loading, safe from many threads.
class Weights {
 public:
  // Throws Error(kIo | kFormat | kUnsupported); a directory with pytorch_model.bin alone is refused with the command that
  // converts it.
  static Weights open(const std::filesystem::path& directory);

  bool has(std::string_view name) const;
  // Throws Error(kFormat) naming the file, the tensor, its shape and the expected one.
  const TensorView& get(std::string_view name, const std::vector<int64_t>& shape) const;
  int64_t total_bytes() const { return total_bytes_; }
  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }

 private:
  std::vector<MappedFile> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::string source_;  // file or directory named in messages
  int64_t total_bytes_ = 0;
};

}  // namespace emberline
