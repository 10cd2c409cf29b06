// SPDX-License-Identifier: Apache-2.0
#include "base/team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <vector>

namespace emberline {
namespace {

TEST(Team, PartIsWorkedTwiceOrNever) {
  for (const int64_t members : {0, 1, 2, 5}) {
    Team team(members);
    EXPECT_LE(team.num_members(), std::max<int64_t>(1, members));
    for (const int64_t count : {0, 1, 3, 64, 65, 1000}) {
      for (const int64_t granule : {1, 64}) {
        std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
        team.share(count, granule, [&](int64_t first, int64_t end, int64_t member) {
          EXPECT_EQ(first % granule, 0);
          EXPECT_TRUE(end % granule == 0 || end == count);
          EXPECT_LT(member, team.num_members());
          for (int64_t i = first; i < end; ++i) ++calls[static_cast<size_t>(i)];
        });
        for (const std::atomic<int>& times : calls) EXPECT_EQ(times.load(), 1);
      }
    }
  }
}

TEST(Team, NextPieceBeginsBeforeTheLastHasEnded) {
  Team team(3);
  std::vector<int64_t> values(999, 0);
  for (int64_t round = 0; round < 200; ++round) {
    team.share(999, 1, [&](int64_t first, int64_t end, int64_t) {
      // Reads what other members wrote in the round before.
      for (int64_t i = first; i < end; ++i) EXPECT_EQ(values[static_cast<size_t>(998 - i)], round);
    });
    team.share(999, 1, [&](int64_t first, int64_t end, int64_t) {
      for (int64_t i = first; i < end; ++i) ++values[static_cast<size_t>(i)];
    });
  }
}

TEST(Team, ExceptionOfAMemberIsLostOrEndsTheProcess) {
  Team team(3);
  for (int64_t failing = 0; failing < team.num_members(); ++failing) {
    const auto body = [&](int64_t, int64_t, int64_t member) {
      if (member == failing) throw std::bad_alloc();
    };
    EXPECT_THROW(team.share(3, 1, body), std::bad_alloc);
    int64_t done = 0;
    team.share(1, 1, [&](int64_t, int64_t, int64_t) { ++done; });
    EXPECT_EQ(done, 1);
  }
}

}  // namespace
}  // namespace emberline
