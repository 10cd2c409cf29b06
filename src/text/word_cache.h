// SPDX-License-Identifier: Apache-2.0
#pragma once
// The ids of words seen lately, so that a frequent word is looked up instead of being built from its pieces.
//
// Safe from many threads without locks. Of fixed size: a word takes the place of another that falls on it. Long words
// and words of many ids are not kept.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace emberline {

class WordCache {
 public:
  WordCache();

  // Appends the ids of `word` and returns true, or returns false if it is not kept.
  bool append_ids(std::string_view word, std::vector<int32_t>& ids) const;
  void keep(std::string_view word, std::span<const int32_t> ids) const;

 private:
  static constexpr size_t kNumEntries = 1 << 14;
  static constexpr size_t kKeyWords = 4;  // a byte that holds both lengths, then the word's bytes
  static constexpr size_t kIdWords = 3;   // two ids each
  static constexpr size_t kMaxBytes = 8 * kKeyWords - 1;
  static constexpr size_t kMaxIds = 2 * kIdWords;

  // One cache line. `version` is odd while a thread writes, and a reader takes only what it read under one version.
  struct alignas(64) Entry {
    std::atomic<uint64_t> version{0};
    std::array<std::atomic<uint64_t>, kKeyWords> key{};
    std::array<std::atomic<uint64_t>, kIdWords> ids{};
  };
  using Key = std::array<uint64_t, kKeyWords>;

  static Key key_of(std::string_view word);
  Entry& entry_of(const Key& key) const;

  std::unique_ptr<Entry[]> entries_;
};

}  // namespace emberline
