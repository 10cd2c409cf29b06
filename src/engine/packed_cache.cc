// SPDX-License-Identifier: Apache-2.0
#include "engine/packed_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/new_file.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// A file is: kMagic, the header's length in 8 bytes, the header in JSON ({"key": .., "entries": {name: [offset,
// bytes]}}), and the entries; offsets are multiples of kAlignment and count from the first such place after the header.
constexpr std::string_view kMagic = "EMBPACK1";
constexpr int64_t kPrefixBytes = 16;
constexpr int64_t kAlignment = 64;
constexpr int64_t kMostHeaderBytes = int64_t{64} << 20;

int64_t aligned(int64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

// Vectors come of these bytes: a file that others could have written is not ours.
bool is_trusted(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return false;
  const bool owned = status.st_uid == ::geteuid() || status.st_uid == 0;
  return S_ISREG(status.st_mode) && owned && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::string fingerprint_of_files(const fs::path& directory) {
  const std::set<std::string> kinds = {".safetensors", ".json", ".txt", ".model"};
  std::vector<std::string> lines;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (!kinds.contains(entry->path().extension().string())) continue;
    struct stat status{};
    const std::string file = entry->path().string();
    check(::stat(file.c_str(), &status) == 0, Code::kIo, "stat {}: {}", file, std::strerror(errno));
    lines.push_back(message("{} {} {}.{} {}.{} {}:{}", entry->path().filename().string(), status.st_size,
                            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                            status.st_ctim.tv_nsec, status.st_dev, status.st_ino));
  }
  check(!error, Code::kIo, "list {}: {}", directory.string(), error.message());
  std::sort(lines.begin(), lines.end());
  std::string fingerprint;
  for (const std::string& line : lines) fingerprint += line + "\n";
  return fingerprint;
}

PackedCache::PackedCache(fs::path file, std::string key) : file_(std::move(file)), key_(std::move(key)) {
  if (!is_trusted(file_)) return;
  try {
    mapped_.emplace(file_);
    if (!read_header()) forget();
  } catch (const std::exception&) {
    forget();  // whatever is wrong with it, what replaces it will be right
  }
}

void PackedCache::forget() {
  mapped_.reset();
  entries_.clear();
}

bool PackedCache::read_header() {
  const std::span<const std::byte> bytes = mapped_->bytes();
  const auto size = static_cast<int64_t>(bytes.size());
  if (size < kPrefixBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return false;
  int64_t length = 0;
  std::memcpy(&length, bytes.data() + kMagic.size(), sizeof(length));
  if (length < 0 || length > std::min(kMostHeaderBytes, size - kPrefixBytes)) return false;
  const int64_t base = aligned(kPrefixBytes + length);
  const char* text = reinterpret_cast<const char*>(bytes.data()) + kPrefixBytes;
  const nlohmann::json header = nlohmann::json::parse(text, text + length);
  if (header.at("key").get<std::string>() != key_) return false;
  for (const auto& [name, place] : header.at("entries").items()) {
    const auto offset = place.at(0).get<int64_t>();
    const auto extent = place.at(1).get<int64_t>();
    const int64_t room = size - base;
    const bool fits =
        offset >= 0 && extent >= 0 && offset % kAlignment == 0 && offset <= room && extent <= room - offset;
    if (!fits) return false;
    entries_[name] = {base + offset, extent};
  }
  return true;
}

const std::byte* PackedCache::find(const std::string& name, int64_t bytes) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.bytes != bytes) return nullptr;
  return mapped_->bytes().data() + found->second.offset;
}

void PackedCache::keep(const std::string& name, const void* data, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  kept_.push_back({name, data, bytes});
}

void PackedCache::save() {
  const std::lock_guard lock(mutex_);
  if (is_read() || kept_.empty()) return;
  nlohmann::json entries;
  int64_t end = 0;
  std::vector<int64_t> offsets;
  for (const Kept& kept : kept_) {
    offsets.push_back(end);
    entries[kept.name] = {end, kept.bytes};
    end = aligned(end + kept.bytes);
  }
  const nlohmann::json fields = {{"key", key_}, {"entries", std::move(entries)}};
  const std::string header = fields.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto length = static_cast<int64_t>(header.size());
  const int64_t base = aligned(kPrefixBytes + length);
  std::error_code error;
  fs::create_directories(file_.parent_path(), error);
  check(!error, Code::kIo, "create {}: {}", file_.parent_path().string(), error.message());
  NewFile out(file_, S_IRUSR | S_IWUSR);
  out.write_at(0, kMagic.data(), static_cast<int64_t>(kMagic.size()));
  out.write_at(static_cast<int64_t>(kMagic.size()), &length, sizeof(length));
  out.write_at(kPrefixBytes, header.data(), length);
  for (size_t i = 0; i < kept_.size(); ++i) out.write_at(base + offsets[i], kept_[i].data, kept_[i].bytes);
  out.finish(base + end);
}

}  // namespace emberline
