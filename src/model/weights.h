// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tensors of a model directory: one model.safetensors, or shards named by model.safetensors.index.json, mapped
// read-only.
//
// Format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data. Every
// offset, length, dtype and shape is checked before a byte of data is touched; offsets must cover the data exactly,
// without overlap. Tensors of other dtypes than f32, f16 and bf16 (position_ids) are checked and left out; asking for
// one is an error.
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
  // Throws Error(kIo | kFormat | kUnsupported); a directory with pytorch_model.bin alone is refused with the command
  // that converts it.
  static Weights open(const std::filesystem::path& directory);
  static Weights open_file(const std::filesystem::path& file);  // one safetensors file of any name

  bool has(std::string_view name) const { return tensors_.contains(name) || unsupported_.contains(name); }
  // Throws Error(kFormat) naming the file, the tensor, its shape and the expected one.
  const TensorView& get(std::string_view name, const std::vector<int64_t>& shape) const;
  const std::string& source() const { return source_; }  // file or directory named in messages
  int64_t total_bytes() const { return total_bytes_; }   // of all float tensors
  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }

 private:
  void add_file(const std::filesystem::path& file);

  std::vector<MappedFile> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> unsupported_;  // tensor -> dtype as the file spells it
  std::map<std::string, std::string, std::less<>> origins_;      // tensor -> file that holds it
  std::string source_;
  int64_t total_bytes_ = 0;
};

}  // namespace emberline
