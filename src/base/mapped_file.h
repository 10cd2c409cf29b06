// SPDX-License-Identifier: Apache-2.0
#pragma once
// A file mapped read-only into memory: pages are shared by every process that maps it.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace emberline {

// Owns the mapping; the bytes live as long as the object. Movable, not copyable; reading is safe from many threads.
// Throws Error(kIo) that names the path and the system's reason.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// False also where the system does not say.
bool is_there(const std::filesystem::path& path);

// Whole text file, for the small JSON files of a model directory. Throws Error(kIo), also above `max_bytes`.
std::string read_text_file(const std::filesystem::path& path, size_t max_bytes = size_t{256} << 20);

}  // namespace emberline
