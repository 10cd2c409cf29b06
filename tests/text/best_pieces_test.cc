// SPDX-License-Identifier: Apache-2.0
#include "text/best_pieces.h"

#include <gtest/gtest.h>

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

// Ids of "a", "b", "ab" are 0, 1, 2; that of what is unknown is 3. Texts of 4 bytes and more lie in a vector.
template <typename Score>
Ids best_of(std::string_view text, std::vector<Score> scores) {
  std::vector<std::pair<std::string_view, int32_t>> views = {{"a", 0}, {"b", 1}, {"ab", 2}};
  const ScoredPieces<Score> pieces{
      .trie = PieceTrie(views), .unknown = 3, .scores = std::move(scores), .unknown_score = -20};
  Ids ids;
  read_best_steps<4>(pieces, text, [&](const BestStep<Score>* steps) {
    for (size_t end = text.size(); end > 0; end = steps[end].start) ids.insert(ids.begin(), steps[end].id);
  });
  return ids;
}

TEST(BestPieces, ScoresAddUpToTheMostInShortTextsAndLongOnes) {
  EXPECT_EQ(best_of<double>("ab", {-1, -1, -3}), (Ids{0, 1}));
  EXPECT_EQ(best_of<double>("ab", {-1, -3, -3}), (Ids{2}));
  EXPECT_EQ(best_of<double>("bab", {-1, -3, -3}), (Ids{1, 2}));
  EXPECT_EQ(best_of<double>("abab", {-1, -3, -3}), (Ids{2, 2}));
  EXPECT_EQ(best_of<double>("", {-1, -3, -3}), (Ids{}));
}

TEST(BestPieces, CharactersThatAreNoPieceAreUnknownOneByOne) {
  EXPECT_EQ(best_of<double>("aéxb", {-1, -1, -3}), (Ids{0, 3, 3, 1}));
}

TEST(BestPieces, SumsAreRoundedToTheScoresOwnType) {
  // 1 - 1e-9 is 1 in float, and of equal ways the first stays: the one that begins earlier.
  EXPECT_EQ(best_of<double>("ab", {0.5, 0.5, 1 - 1e-9}), (Ids{0, 1}));
  EXPECT_EQ(best_of<float>("ab", {0.5F, 0.5F, static_cast<float>(1 - 1e-9)}), (Ids{2}));
}

}  // namespace
}  // namespace emberline
