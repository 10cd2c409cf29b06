// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a backend made of a model's weights, kept in a file so that the next process need not make it again.
//
// A file belongs to one model directory, instruction set and dtype, and holds the key it was written for: version,
// layout of the packing, sizes and times of the model's files. With another key, a strange owner or a broken header it
// is left unread and written anew. It is written beside its place and renamed, so that no reader sees half of it, and
// never changed afterwards, so that mappings of it stay whole.
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/mapped_file.h"

namespace emberline {

// Names and times of the files that a network is read from: changes where one of them is replaced or rewritten.
// Throws Error(kIo).
std::string fingerprint_of_files(const std::filesystem::path& directory);

// keep() is safe from many threads; find() also, and what it returns lives as long as the object.
class PackedCache final : public PackedStore {
 public:
  // Reads `file` if it is there and good. Never throws for the file's sake.
  PackedCache(std::filesystem::path file, std::string key);

  bool is_read() const { return mapped_.has_value(); }
  const std::filesystem::path& file() const { return file_; }

  const std::byte* find(const std::string& name, int64_t bytes) const override;
  void keep(const std::string& name, const void* data, int64_t bytes) override;

  // Writes what was kept, unless the file was read. Throws Error(kIo); the file is then what it was.
  void save();

 private:
  struct Span {
    int64_t offset = 0;
    int64_t bytes = 0;
  };
  struct Kept {
    std::string name;
    const void* data = nullptr;
    int64_t bytes = 0;
  };
  bool read_header();
  void forget();

  std::filesystem::path file_;
  std::string key_;
  std::optional<MappedFile> mapped_;
  std::map<std::string, Span> entries_;  // of the file that was read
  std::mutex mutex_;
  std::vector<Kept> kept_;  // guarded by mutex_
};

}  // namespace emberline
