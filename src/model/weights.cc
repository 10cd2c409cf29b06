// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "model/json_value.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr size_t kMaxDimensions = 16;

struct DTypeName {
  const char* name;
  uint64_t bits;
};

// Every dtype the format knows, so that the sizes of tensors nobody asks for are checked too.
constexpr DTypeName kDTypeNames[] = {
    {"F32", 32},    {"F16", 16},    {"BF16", 16},       {"F64", 64},       {"I64", 64}, {"I32", 32},
    {"I16", 16},    {"I8", 8},      {"U64", 64},        {"U32", 32},       {"U16", 16}, {"U8", 8},
    {"BOOL", 8},    {"F8_E4M3", 8}, {"F8_E5M2", 8},     {"F8_E8M0", 8},    {"C64", 64}, {"F4", 4},
    {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}};

uint64_t dtype_bits(const JsonValue& value) {
  const std::string name = value.text();
  for (const DTypeName& known : kDTypeNames) {
    if (name == known.name) return known.bits;
  }
  value.refuse("a dtype of the safetensors format");
}

struct Entry {
  TensorView view;
  std::string dtype;
  uint64_t begin = 0;  // in the data section
  uint64_t end = 0;
};

// Bytes of a shape, refused where they pass 2^63.
uint64_t shape_bytes(const std::string& where, const std::vector<int64_t>& shape, uint64_t bits) {
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  uint64_t total = empty ? 0 : bits;
  for (const int64_t extent : shape) {
    if (empty) break;
    check(total <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / static_cast<uint64_t>(extent),
          Code::kFormat, "{}: shape {} has more elements than memory can hold", where, show_shape(shape));
    total *= static_cast<uint64_t>(extent);
  }
  check(total % 8 == 0, Code::kFormat, "{}: shape {} does not fill whole bytes", where, show_shape(shape));
  return total / 8;
}

Entry read_entry(const std::string& name, const JsonValue& spec, uint64_t data_bytes) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Entry entry;
  entry.view.name = name;
  const JsonValue dtype = spec.at("dtype");
  const uint64_t bits = dtype_bits(dtype);
  entry.dtype = dtype.text();
  const JsonValue shape = spec.at("shape");
  for (const JsonValue& extent : shape.items()) entry.view.shape.push_back(extent.integer(0, kMost));
  if (entry.view.shape.size() > kMaxDimensions) shape.refuse(message("at most {} dimensions", kMaxDimensions));
  const uint64_t bytes = shape_bytes(spec.where(), entry.view.shape, bits);

  const JsonValue offsets = spec.at("data_offsets");
  const std::vector<JsonValue> pair = offsets.items();
  if (pair.size() != 2) offsets.refuse("two offsets");
  entry.begin = static_cast<uint64_t>(pair[0].integer(0, kMost));
  entry.end = static_cast<uint64_t>(pair[1].integer(0, kMost));
  check(entry.begin <= entry.end, Code::kFormat, "{}: data_offsets [{}, {}] run backwards", spec.where(), entry.begin,
        entry.end);
  check(entry.end <= data_bytes, Code::kFormat,
        "{}: data_offsets [{}, {}] leave the file, which holds {} bytes of data", spec.where(), entry.begin, entry.end,
        data_bytes);
  check(entry.end - entry.begin == bytes, Code::kFormat,
        "{}: {} of shape {} needs {} bytes, but data_offsets [{}, {}] give {}", spec.where(), entry.dtype,
        show_shape(entry.view.shape), bytes, entry.begin, entry.end, entry.end - entry.begin);
  return entry;
}

// The tensors must tile the data: anything else is a file that lies about one of them, or was cut or glued.
void check_tiling(const std::string& source, std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t filled = 0;
  std::string_view last = "the header";
  for (const Entry& entry : entries) {
    check(entry.begin >= filled, Code::kFormat,
          "{}: tensors {} and {} overlap: the first ends at {}, the second begins at {}", source, last, entry.view.name,
          filled, entry.begin);
    check(entry.begin == filled, Code::kFormat, "{}: {} bytes between {} and {} belong to no tensor", source,
          entry.begin - filled, last, entry.view.name);
    filled = entry.end;
    last = entry.view.name;
  }
  check(filled == data_bytes, Code::kFormat, "{}: tensors end at byte {} of the data, which has {} bytes", source,
        filled, data_bytes);
}

uint64_t header_bytes(const std::string& source, std::span<const std::byte> file) {
  check(file.size() >= kLengthBytes, Code::kFormat,
        "{}: got {} bytes, expected at least {}: not a safetensors file, or cut short", source, file.size(),
        kLengthBytes);
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  check(length <= file.size() - kLengthBytes, Code::kFormat,
        "{}: header of {} bytes does not fit into the file of {} bytes: not a safetensors file, or cut short", source,
        length, file.size());
  check(length <= kMaxHeaderBytes, Code::kFormat, "{}: header of {} bytes, expected at most {}", source, length,
        kMaxHeaderBytes);
  return length;
}

std::vector<Entry> read_header(const std::string& source, std::span<const std::byte> file) {
  const uint64_t length = header_bytes(source, file);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  const uint64_t data_bytes = file.size() - kLengthBytes - length;
  const JsonValue header = JsonValue::parse(text, source, JsonValue::Keys::kUnique);
  std::vector<Entry> entries;
  for (const auto& [name, spec] : header.members()) {
    if (name == "__metadata__") {
      spec.members();
      continue;
    }
    entries.push_back(read_entry(name, spec, data_bytes));
  }
  check_tiling(source, entries, data_bytes);
  for (Entry& entry : entries) entry.view.data = file.data() + kLengthBytes + length + entry.begin;
  return entries;
}

bool float_dtype(const std::string& name, DType& dtype) {
  if (name == "F32") {
    dtype = DType::kF32;
  } else if (name == "F16") {
    dtype = DType::kF16;
  } else if (name == "BF16") {
    dtype = DType::kBF16;
  } else {
    return false;
  }
  return true;
}

[[noreturn]] void refuse_directory(const fs::path& directory) {
  if (is_there(directory / "pytorch_model.bin")) {
    const std::string at = directory.string();
    fail(Code::kUnsupported,
         "{}: holds pytorch_model.bin alone, a pickle, which can run code and is never opened. Convert it once, where "
         "it "
         "is trusted: python -c \"import sys, torch, safetensors.torch as s; d = sys.argv[1]; "
         "w = torch.load(d + '/pytorch_model.bin', map_location='cpu', weights_only=True); "
         "s.save_file({k: v.clone().contiguous() for k, v in w.items()}, d + '/model.safetensors', {'format': 'pt'})\" "
         "'{}'",
         at, at);
  }
  fail(Code::kIo, "{}: no weights: looked for model.safetensors and model.safetensors.index.json", directory.string());
}

}  // namespace

std::string show_shape(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

void Weights::add_file(const fs::path& file) {
  files_.emplace_back(file);
  const std::string source = file.string();
  for (Entry& entry : read_header(source, files_.back().bytes())) {
    const std::string name = entry.view.name;
    const auto [origin, fresh] = origins_.emplace(name, source);
    check(fresh, Code::kFormat, "tensor {} stands in two files: {} and {}", name, origin->second, source);
    if (!float_dtype(entry.dtype, entry.view.dtype)) {
      others_.emplace(name, OtherTensor{entry.dtype, entry.view.shape, entry.view.data});
      continue;
    }
    total_bytes_ += static_cast<int64_t>(entry.end - entry.begin);
    tensors_.emplace(name, std::move(entry.view));
  }
}

Weights Weights::open_file(const fs::path& file) {
  Weights weights;
  weights.source_ = file.string();
  weights.add_file(file);
  return weights;
}

Weights Weights::open(const fs::path& directory) {
  const fs::path whole = directory / "model.safetensors";
  const fs::path index_file = directory / "model.safetensors.index.json";
  if (is_there(whole)) return open_file(whole);
  if (!is_there(index_file)) refuse_directory(directory);

  Weights weights;
  weights.source_ = index_file.string();
  const JsonValue map = JsonValue::read(index_file).at("weight_map");
  const auto members = map.members();
  std::set<std::string> shards;
  for (const auto& [tensor, value] : members) {
    const std::string shard = value.text();
    if (shard.empty() || shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      value.refuse("the name of a file beside the index");
    }
    check(shards.contains(shard) || is_there(directory / shard), Code::kIo, "{}: shard {} is missing in {}",
          value.where(), shard, directory.string());
    shards.insert(shard);
  }
  for (const std::string& shard : shards) weights.add_file(directory / shard);
  for (const auto& [tensor, value] : members) {
    const auto origin = weights.origins_.find(tensor);
    const std::string expected = (directory / value.text()).string();
    check(origin != weights.origins_.end() && origin->second == expected, Code::kFormat,
          "{}: the index says {}, which does not hold it", value.where(), expected);
  }
  return weights;
}

const std::string& Weights::file_of(std::string_view name) const {
  const auto found = origins_.find(name);
  return found == origins_.end() ? source_ : found->second;
}

const OtherTensor* Weights::other(std::string_view name) const {
  const auto found = others_.find(name);
  return found == others_.end() ? nullptr : &found->second;
}

void Weights::replace(const std::string& name, const std::vector<int64_t>& shape, std::vector<float> numbers) {
  TensorView& tensor = tensors_[name];
  tensor.name = name;
  tensor.dtype = DType::kF32;
  tensor.shape = shape;
  check(static_cast<int64_t>(numbers.size()) == tensor.size(), Code::kInternal,
        "replace tensor {}: got {} numbers, expected {}", name, numbers.size(), tensor.size());
  others_.erase(name);
  numbers_.push_back(std::move(numbers));
  tensor.data = reinterpret_cast<const std::byte*>(numbers_.back().data());
}

void Weights::rename(const std::string& from, const std::string& to) {
  const auto tensor = tensors_.find(from);
  check(tensor != tensors_.end() && !has(to), Code::kFormat, "{}: got tensors {} and {}, expected one of them",
        file_of(from), from, to);
  tensor->second.name = to;
  origins_[to] = file_of(from);
  tensors_.emplace(to, std::move(tensor->second));
  tensors_.erase(tensor);
}

void Weights::forget(const std::string& name) {
  const auto tensor = tensors_.find(name);
  if (tensor == tensors_.end()) return;
  total_bytes_ -= tensor->second.size() * static_cast<int64_t>(dtype_bytes(tensor->second.dtype));
  tensors_.erase(tensor);
}

const TensorView& Weights::get(std::string_view name, const std::vector<int64_t>& shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    if (const OtherTensor* found_other = other(name)) {
      fail(Code::kUnsupported, "{}: tensor {} has dtype {}, expected F32, F16 or BF16", file_of(name), name,
           found_other->dtype);
    }
    fail(Code::kFormat, "{}: tensor {} of shape {} is missing", source_, name, show_shape(shape));
  }
  check(found->second.shape == shape, Code::kFormat, "{}: tensor {} has shape {}, expected {}", file_of(name), name,
        show_shape(found->second.shape), show_shape(shape));
  return found->second;
}

}  // namespace emberline
