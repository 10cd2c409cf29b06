// SPDX-License-Identifier: Apache-2.0
#include "text/word_cache.h"

#include <cstring>

namespace emberline {
namespace {

// The lowest byte of a key holds the word's length in five bits and the number of its ids in the three above.
constexpr uint64_t kLengthMask = 31;
constexpr uint64_t kCountShift = 5;
constexpr uint64_t kCountMask = uint64_t{7} << kCountShift;

}  // namespace

WordCache::WordCache() : entries_(new Entry[kNumEntries]) {}

// Without the number of ids.
WordCache::Key WordCache::key_of(std::string_view word) {
  static_assert(kMaxBytes <= kLengthMask && kMaxIds <= kCountMask >> kCountShift);
  char bytes[8 * kKeyWords] = {};
  bytes[0] = static_cast<char>(word.size());
  std::memcpy(bytes + 1, word.data(), word.size());
  Key key;
  std::memcpy(key.data(), bytes, sizeof(bytes));
  return key;
}

WordCache::Entry& WordCache::entry_of(const Key& key) const {
  uint64_t hash = 0;
  for (const uint64_t part : key) {
    hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return entries_[hash % kNumEntries];
}

bool WordCache::append_ids(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() > kMaxBytes || word.empty()) return false;
  const Key key = key_of(word);
  const Entry& entry = entry_of(key);
  const uint64_t version = entry.version.load(std::memory_order_acquire);
  if (version % 2 != 0) return false;
  // Acquire: a value of a later version makes that version visible to the last load.
  const uint64_t first = entry.key[0].load(std::memory_order_acquire);
  bool same = (first & ~kCountMask) == key[0];
  for (size_t i = 1; i < kKeyWords; ++i) same &= entry.key[i].load(std::memory_order_acquire) == key[i];
  if (!same) return false;
  std::array<uint64_t, kIdWords> kept;
  for (size_t i = 0; i < kIdWords; ++i) kept[i] = entry.ids[i].load(std::memory_order_acquire);
  if (entry.version.load(std::memory_order_relaxed) != version) return false;
  const size_t count = (first & kCountMask) >> kCountShift;
  for (size_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(kept[i / 2] >> (32 * (i % 2))));
  return true;
}

void WordCache::keep(std::string_view word, std::span<const int32_t> ids) const {
  if (word.size() > kMaxBytes || word.empty() || ids.size() > kMaxIds) return;
  const Key key = key_of(word);
  Entry& entry = entry_of(key);
  uint64_t version = entry.version.load(std::memory_order_relaxed);
  // Another thread writes here: this word is not worth waiting for.
  if (version % 2 != 0) return;
  if (!entry.version.compare_exchange_strong(version, version + 1, std::memory_order_acquire)) return;
  std::array<uint64_t, kIdWords> packed = {};
  for (size_t i = 0; i < ids.size(); ++i) {
    packed[i / 2] |= uint64_t{static_cast<uint32_t>(ids[i])} << (32 * (i % 2));
  }
  entry.key[0].store(key[0] | uint64_t{ids.size()} << kCountShift, std::memory_order_release);
  for (size_t i = 1; i < kKeyWords; ++i) entry.key[i].store(key[i], std::memory_order_release);
  for (size_t i = 0; i < kIdWords; ++i) entry.ids[i].store(packed[i], std::memory_order_release);
  entry.version.store(version + 2, std::memory_order_release);
}

}  // namespace emberline
