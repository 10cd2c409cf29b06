// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tensors of a model directory: one model.safetensors, or shards named by model.safetensors.index.json, mapped
// read-only.
//
// Format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data. Every
// offset, length, dtype and shape is checked before a byte of data is touched; offsets must cover the data exactly,
// without overlap. Tensors of other dtypes than f32, f16 and bf16 (position_ids) are checked and left out; asking for
// one as floats is an error.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/tensor.h"

namespace emberline {

// "[2, 3]"
std::string show_shape(const std::vector<int64_t>& shape);

// A tensor of numbers that no network computes with; its bytes as the file has them, at any address.
struct OtherTensor {
  std::string dtype;  // as the file spells it: "I64"
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
};

// Owns the mappings; views live as long as it does. Immutable after loading, safe from many threads.
class Weights {
 public:
  // Throws Error(kIo | kFormat | kUnsupported); a directory with pytorch_model.bin alone is refused with the command
  // that converts it.
  static Weights open(const std::filesystem::path& directory);
  static Weights open_file(const std::filesystem::path& file);  // one safetensors file of any name

  bool has(std::string_view name) const { return tensors_.contains(name) || others_.contains(name); }
  // Throws Error(kFormat) naming the file, the tensor, its shape and the expected one.
  const TensorView& get(std::string_view name, const std::vector<int64_t>& shape) const;
  const OtherTensor* other(std::string_view name) const;    // null where it is not there, or of floats
  const std::string& file_of(std::string_view name) const;  // where a tensor stands, for messages
  const std::string& source() const { return source_; }     // file or directory named in messages
  int64_t total_bytes() const { return total_bytes_; }      // that float tensors take in the files, less forgotten ones
  const std::map<std::string, TensorView, std::less<>>& tensors() const { return tensors_; }

  // For what is made of several tensors. Numbers stand in a tensor's place, in f32; views of it end.
  void replace(const std::string& name, const std::vector<int64_t>& shape, std::vector<float> numbers);
  void rename(const std::string& from, const std::string& to);
  void forget(const std::string& name);

 private:
  void add_file(const std::filesystem::path& file);

  std::vector<MappedFile> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, OtherTensor, std::less<>> others_;
  std::map<std::string, std::string, std::less<>> origins_;  // tensor -> file that holds it
  std::vector<std::vector<float>> numbers_;                  // of tensors that were replaced
  std::string source_;
  int64_t total_bytes_ = 0;
};

}  // namespace emberline
