// SPDX-License-Identifier: Apache-2.0
#include "text/piece_trie.h"

#include <gtest/gtest.h>

#include <string>

namespace emberline {
namespace {

using Pieces = std::vector<std::pair<std::string_view, int32_t>>;

PieceTrie trie_of(Pieces pieces) {
  return PieceTrie(pieces);
}

TEST(PieceTrie, OnlyWholePiecesAreFound) {
  const PieceTrie trie = trie_of({{"abc", 7}, {"a", 0}, {"é", 3}, {std::string_view("\0", 1), 5}});
  EXPECT_EQ(trie.find("abc"), 7);
  EXPECT_EQ(trie.find("a"), 0);
  EXPECT_EQ(trie.find("é"), 3);
  EXPECT_EQ(trie.find(std::string_view("\0", 1)), 5);
  for (const char* other : {"", "ab", "abcd", "b", "\xC3", "A"}) EXPECT_EQ(trie.find(other), -1) << other;
}

TEST(PieceTrie, NowhereHasNoId) {
  for (const PieceTrie& trie : {trie_of({}), trie_of({{"", 4}, {"a", 1}})}) {
    EXPECT_EQ(trie.id(PieceTrie::kNowhere), -1);
    EXPECT_EQ(trie.find("b"), -1);
  }
  EXPECT_EQ(trie_of({{"", 4}, {"a", 1}}).find(""), 4);
}

TEST(PieceTrie, HoldsPiecesOfAllBytesAndTheEmptyOne) {
  std::vector<std::string> texts = {""};
  for (int a = 0; a < 256; ++a) {
    texts.push_back(std::string(1, static_cast<char>(a)));
    for (int b = 0; b < 256; b += 3) texts.push_back({static_cast<char>(a), static_cast<char>(b), 'x'});
  }
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (size_t i = 0; i < texts.size(); ++i) pieces.emplace_back(texts[i], static_cast<int32_t>(i));
  const PieceTrie trie(pieces);
  for (size_t i = 0; i < texts.size(); ++i) {
    const uint32_t node = trie.walk(PieceTrie::kRoot, texts[i]);
    ASSERT_NE(node, PieceTrie::kNowhere);
    ASSERT_EQ(trie.id(node), static_cast<int32_t>(i));
  }
  EXPECT_EQ(trie.walk(PieceTrie::kRoot, "xyz"), PieceTrie::kNowhere);
}

}  // namespace
}  // namespace emberline
