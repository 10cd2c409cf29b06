// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "column.h"
#include "engine/engine.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

Engine load_on_threads(const char* threads) {
  return Engine::load(data_path("tiny-mean"), options_of({{"threads", threads}, {"batch_tokens", "64"}}));
}

TEST(EmbedThreads, ManyThreadsOnOneHandleGiveTheSameVectors) {
  const Engine engine = load_on_threads("2");
  const Texts texts = mixed_texts(50);
  const Result expected = embed(engine, texts);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        if (!same_bits(embed(engine, texts).data, expected.data)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(EmbedThreads, ChildOfAForkEmbedsWithTheSameHandle) {
  const Engine engine = load_on_threads("2");
  const Texts texts = mixed_texts(50);
  const Result expected = embed(engine, texts);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);  // a hang is a failure, not a wait for ever
    ::_exit(same_bits(embed(engine, texts).data, expected.data) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(same_bits(embed(engine, texts).data, expected.data));
}

TEST(EmbedProgress, IsCalledOnTheCallersThreadAndReachesTheTotal) {
  const Texts texts = mixed_texts(200);
  const auto caller = std::this_thread::get_id();
  int64_t last_rows = 0;
  int64_t last_tokens = 0;
  const Result result = embed(load_on_threads("3"), texts, [&](int64_t rows, int64_t total, int64_t tokens) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(total, 200);
    EXPECT_GE(rows, last_rows);
    last_rows = rows;
    last_tokens = tokens;
    return false;
  });
  EXPECT_EQ(last_rows, 200);
  EXPECT_EQ(last_tokens, result.stats.tokens);
}

TEST(EmbedProgress, CancelStopsEveryThreadAndLeavesTrueStats) {
  const testing::Column column(mixed_texts(5000));
  for (const char* threads : {"1", "3"}) {
    const Engine engine = load_on_threads(threads);
    Result result(5000, engine.dim());
    int calls = 0;
    try {
      engine.embed(column.view(), result.view(), [&](int64_t, int64_t, int64_t) { return ++calls == 3; }, result.stats);
      FAIL() << "not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kCancelled);
      EXPECT_NE(std::string(error.what()).find("of 5000 rows"), std::string::npos) << error.what();
    }
    EXPECT_EQ(calls, 3);
    EXPECT_GT(result.stats.rows, 0);
    EXPECT_LT(result.stats.rows, 5000);
    EXPECT_EQ(result.stats.rows, std::count(result.status.begin(), result.status.end(), 0));
  }
}

TEST(EmbedProgress, CancelInAnAllNullColumnWorksToo) {
  EXPECT_THROW(embed(load_on_threads("1"), Texts(100000), [](int64_t, int64_t, int64_t) { return true; }), Error);
}

TEST(EmbedProgress, ExceptionOfTheCallbackComesBackAfterAllThreadsEnded) {
  EXPECT_THROW(embed(load_on_threads("3"), mixed_texts(2000),
                     [](int64_t, int64_t, int64_t) -> bool { throw std::runtime_error("callback"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace emberline
