// SPDX-License-Identifier: Apache-2.0
#include "text/word_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

// What every thread keeps for a word: its number, once for each remainder.
Ids ids_for(int number) {
  return Ids(static_cast<size_t>(number % 7), number);
}

TEST(WordCache, GivesBackWhatItKeptBehindWhatIsThere) {
  const WordCache cache;
  Ids ids = {9};
  EXPECT_FALSE(cache.append_ids("word", ids));
  cache.keep("word", Ids{1, -2, 3});
  EXPECT_TRUE(cache.append_ids("word", ids));
  EXPECT_EQ(ids, (Ids{9, 1, -2, 3}));
  EXPECT_FALSE(cache.append_ids("wor", ids));
  EXPECT_FALSE(cache.append_ids(std::string("word\0", 5), ids));
  cache.keep("none", Ids());
  EXPECT_TRUE(cache.append_ids("none", ids));
  EXPECT_EQ(ids.size(), 4U);
}

TEST(WordCache, LongWordsAndManyIdsAreNotKept) {
  const WordCache cache;
  Ids ids;
  cache.keep("word", Ids(7, 1));
  EXPECT_FALSE(cache.append_ids("word", ids));
  for (const size_t length : {30U, 31U, 32U, 100U}) {
    const std::string word(length, 'x');
    cache.keep(word, Ids{static_cast<int32_t>(length)});
    EXPECT_EQ(cache.append_ids(word, ids), length < 32);
  }
  EXPECT_EQ(ids, (Ids{30, 31}));
}

TEST(WordCache, ThreadsNeverSeeTheIdsOfAnotherWord) {
  const WordCache cache;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&cache, &bad = wrong[t], t] {
      Ids ids;
      for (int round = 0; round < 200000; ++round) {
        // More words than there are entries, so that they take each other's places.
        const int number = static_cast<int>((static_cast<unsigned>(round) * 7919U + t * 13U) % 40000U);
        const std::string word = std::to_string(number);
        ids.clear();
        if (!cache.append_ids(word, ids)) {
          cache.keep(word, ids_for(number));
        } else {
          bad += ids != ids_for(number);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace emberline
