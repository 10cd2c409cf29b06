// SPDX-License-Identifier: Apache-2.0
#include "engine/packer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace emberline {
namespace {

using Batches = std::vector<std::vector<int64_t>>;

int64_t tokens_of(const std::vector<int64_t>& batch, const std::vector<int64_t>& lengths) {
  int64_t total = 0;
  for (const int64_t index : batch) total += lengths[static_cast<size_t>(index)];
  return total;
}

TEST(PackSequences, NothingGivesNoBatch) {
  EXPECT_EQ(pack_sequences({}, 512), Batches{});
}

TEST(PackSequences, OversizeSequenceGoesAlone) {
  const std::vector<int64_t> lengths{4, 900, 4};
  EXPECT_EQ(pack_sequences(lengths, 512), (Batches{{1}, {0, 2}}));
}

TEST(PackSequences, SequenceOfExactlyTheBudgetFillsItsBatch) {
  const std::vector<int64_t> lengths{512, 1};
  EXPECT_EQ(pack_sequences(lengths, 512), (Batches{{0}, {1}}));
}

TEST(PackSequences, ShortSequencesFillTheGapsLongOnesLeave) {
  const std::vector<int64_t> lengths{300, 300, 212, 200, 12};
  EXPECT_EQ(pack_sequences(lengths, 512), (Batches{{0, 2}, {1, 3, 4}}));
}

TEST(PackSequences, BudgetOfOneTokenStillPlacesEverySequence) {
  const std::vector<int64_t> lengths{2, 7, 2};
  EXPECT_EQ(pack_sequences(lengths, 1), (Batches{{1}, {0}, {2}}));
}

TEST(PackSequences, EveryIndexOnceAndNoBatchAboveTheBudget) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> lengths(random() % 300);
    for (int64_t& length : lengths) length = 2 + static_cast<int64_t>(random() % 600);
    const int64_t budget = 1 + static_cast<int64_t>(random() % 1024);
    std::vector<int64_t> seen;
    for (const auto& batch : pack_sequences(lengths, budget)) {
      ASSERT_FALSE(batch.empty());
      ASSERT_TRUE(batch.size() == 1 || tokens_of(batch, lengths) <= budget);
      ASSERT_TRUE(std::is_sorted(batch.begin(), batch.end()));
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    std::sort(seen.begin(), seen.end());
    std::vector<int64_t> all(lengths.size());
    std::iota(all.begin(), all.end(), int64_t{0});
    ASSERT_EQ(seen, all);
  }
}

TEST(PackSequences, NaturalLengthsFillBatchesToNinetyFivePercent) {
  std::mt19937 random(11);
  std::lognormal_distribution<double> natural(3.4, 0.7);
  std::vector<int64_t> lengths(2000);
  for (int64_t& length : lengths) length = std::clamp<int64_t>(std::lround(natural(random)), 3, 256);
  const Batches batches = pack_sequences(lengths, 512);
  const int64_t total = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  EXPECT_LE(static_cast<int64_t>(batches.size()) * 512 * 95, total * 100 + 512 * 95);
}

TEST(TakeRows, NothingLeftGivesAnEmptyRange) {
  const std::vector<int64_t> offsets{0, 5, 9};
  const RowRange range = take_rows(offsets, 2, {1, 100}, 50);
  EXPECT_EQ(range.begin, 2);
  EXPECT_EQ(range.end, 2);
}

TEST(TakeRows, AtLeastOneRowEvenAboveTheTarget) {
  const std::vector<int64_t> offsets{0, 5000, 5001};
  EXPECT_EQ(take_rows(offsets, 0, {1, 100000}, 10).end, 1);
}

TEST(TakeRows, StopsBeforeTheRowThatPassesTheTarget) {
  const std::vector<int64_t> offsets{0, 10, 20, 30, 40};
  EXPECT_EQ(take_rows(offsets, 0, {2, 100}, 24).end, 2);
  EXPECT_EQ(take_rows(offsets, 0, {2, 100}, 35).end, 2);
  EXPECT_EQ(take_rows(offsets, 1, {2, 100}, 36).end, 4);
}

TEST(TakeRows, EmptyRowsStillCost) {
  const std::vector<int64_t> offsets(1001, 7);
  EXPECT_EQ(take_rows(offsets, 0, {4, 100}, 40).end, 10);
}

TEST(TakeRows, TextBeyondTruncationDoesNotCount) {
  const std::vector<int64_t> offsets{0, 1000000, 2000000, 3000000};
  EXPECT_EQ(take_rows(offsets, 0, {0, 100}, 300).end, 3);
}

TEST(ClaimCost, ShrinksWithWhatIsLeftAndStaysInBounds) {
  EXPECT_EQ(claim_cost(1 << 20, 2, 256, 4096), 4096);
  EXPECT_EQ(claim_cost(4000, 2, 256, 4096), 1000);
  EXPECT_EQ(claim_cost(100, 2, 256, 4096), 256);
  EXPECT_EQ(claim_cost(0, 2, 256, 4096), 256);
}

TEST(ClaimCost, WorkerAloneDoesNotShrinkItsClaims) {
  EXPECT_EQ(claim_cost(1000, 1, 256, 4096), 4096);
}

TEST(ClaimCost, TinyBudgetStillGivesTheSmallestClaim) {
  EXPECT_EQ(claim_cost(1000, 4, 256, 8), 256);
}

}  // namespace
}  // namespace emberline
