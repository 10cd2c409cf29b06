// SPDX-License-Identifier: Apache-2.0
// A device that all calls share, proved on a fake one: whose rows share a batch must not change what any of them gets.
#include "engine/device_queue.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "base/error.h"
#include "column.h"
#include "engine/engine.h"
#include "fake_device.h"

namespace emberline {
namespace {

using testing::Column;
using testing::data_path;
using testing::embed;
using testing::FakeDevice;
using testing::FakeDeviceControls;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

class DeviceQueueTest : public ::testing::Test {
 protected:
  Engine load(const char* batch_tokens, const char* threads = "1") {
    return Engine::load_on(std::make_unique<FakeDevice>(controls_), data_path("tiny-mean"),
                           options_of({{"threads", threads}, {"batch_tokens", batch_tokens}}));
  }
  static Engine plain() {
    return Engine::load(data_path("tiny-mean"),
                        options_of({{"dtype", "f32"}, {"threads", "1"}, {"batch_tokens", "64"}}));
  }

  // Runs body(i) on a thread each.
  template <typename Body>
  static void run_all(int count, const Body& body) {
    std::vector<std::thread> threads;
    threads.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
  }

  // Keeps the device from its first batch until all that was begun meanwhile has had time to queue up.
  void hold_device_for_a_moment() {
    controls_.closed = true;
    opener_ = std::jthread([this] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      controls_.closed = false;
    });
  }

  FakeDeviceControls controls_{.shares_batches = true};
  std::jthread opener_;
};

TEST_F(DeviceQueueTest, RowsOfManyCallsShareBatchesAndKeepTheirVectors) {
  const Engine engine = load("4000");
  const Texts texts = {"river stone", "data", "Haus 東京", "", std::nullopt};
  const Result expected = embed(plain(), texts);
  hold_device_for_a_moment();
  std::vector<Result> results(8, Result(5, engine.dim()));
  run_all(8, [&](int i) { results[static_cast<size_t>(i)] = embed(engine, texts); });
  int64_t batches = 0;
  for (const Result& result : results) {
    EXPECT_TRUE(same_bits(result.data, expected.data));
    EXPECT_EQ(result.status, expected.status);
    EXPECT_EQ(result.tokens, expected.tokens);
    EXPECT_EQ(result.stats.rows, 4);
    EXPECT_EQ(result.stats.nulls, 1);
    batches += result.stats.batches;
  }
  // The one that was under way while the others came, and theirs; a slow machine may cut them once more.
  EXPECT_LE(batches, 4);
}

TEST_F(DeviceQueueTest, OneCallOfManyBatchesGivesInputOrder) {
  const Texts texts = mixed_texts(600);
  const Result expected = embed(plain(), texts);
  for (const char* threads : {"1", "3"}) {
    const Result result = embed(load("64", threads), texts);
    EXPECT_TRUE(same_bits(result.data, expected.data)) << threads;
    EXPECT_EQ(result.status, expected.status);
    EXPECT_EQ(result.stats.tokens, expected.stats.tokens);
    EXPECT_GT(result.stats.batches, 100);
    EXPECT_GT(result.stats.compute_ns, 0);
  }
}

TEST_F(DeviceQueueTest, HandlesOfOtherOptionsDoNotShareABatch) {
  const Engine mean = load("4000");
  const Engine cls = mean.derive(options_of({{"pooling", "cls"}, {"threads", "1"}}));
  const Texts texts = mixed_texts(30);
  const Result mean_expected = embed(plain(), texts);
  const Result cls_expected = embed(plain().derive(options_of({{"pooling", "cls"}})), texts);
  ASSERT_FALSE(same_bits(mean_expected.data, cls_expected.data));
  hold_device_for_a_moment();
  run_all(6, [&](int i) {
    const Result result = embed(i % 2 == 0 ? mean : cls, texts);
    EXPECT_TRUE(same_bits(result.data, (i % 2 == 0 ? mean_expected : cls_expected).data)) << i;
  });
}

TEST_F(DeviceQueueTest, WindowsOfLongTextsLandInOtherRows) {
  const auto options = options_of(
      {{"threads", "2"}, {"batch_tokens", "40"}, {"long_text", "chunk"}, {"max_tokens", "16"}, {"overlap", "4"}});
  const Texts texts = mixed_texts(90);
  const Result expected = embed(plain().derive(options), texts);
  const Engine engine = Engine::load_on(std::make_unique<FakeDevice>(controls_), data_path("tiny-mean"), options);
  run_all(3, [&](int) {
    const Result result = embed(engine, texts);
    EXPECT_TRUE(same_bits(result.data, expected.data));
    EXPECT_EQ(result.status, expected.status);
    EXPECT_EQ(result.tokens, expected.tokens);
    EXPECT_EQ(result.stats.truncated, 0);
  });
}

TEST_F(DeviceQueueTest, CancelledCallTakesNobodyElseAlong) {
  const Engine engine = load("64");
  const Texts texts = mixed_texts(400);
  const Result expected = embed(plain(), texts);
  run_all(4, [&](int i) {
    if (i % 2 == 0) {
      EXPECT_TRUE(same_bits(embed(engine, texts).data, expected.data));
      return;
    }
    int calls = 0;
    const Column column(texts);
    Result result(400, engine.dim());
    try {
      engine.embed(column.view(), result.view(), [&](int64_t, int64_t, int64_t) { return ++calls == 3; }, result.stats);
      ADD_FAILURE() << "not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kCancelled);
    }
    EXPECT_EQ(result.stats.rows, std::count(result.status.begin(), result.status.end(), 0));
  });
}

TEST_F(DeviceQueueTest, ExceptionOfACallbackLeavesTheQueueToOthers) {
  const Engine engine = load("64");
  const Texts texts = mixed_texts(500);
  EXPECT_THROW(embed(engine, texts, [](int64_t, int64_t, int64_t) -> bool { throw std::runtime_error("callback"); }),
               std::runtime_error);
  EXPECT_TRUE(same_bits(embed(engine, texts).data, embed(plain(), texts).data));
}

TEST_F(DeviceQueueTest, BatchThatExhaustsMemoryIsHalvedOnceAndForAll) {
  const Engine engine = load("4000");
  const Texts texts(200, "river stone data");  // some 5 tokens each
  const Result expected = embed(plain(), texts);
  controls_.most_floats = int64_t{300} * 128;  // the widest matrix of some 300 tokens
  const Result first = embed(engine, texts);
  EXPECT_TRUE(same_bits(first.data, expected.data));
  EXPECT_EQ(first.stats.failed, 0);
  const int64_t refused = controls_.refused;
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 12);
  const Result second = embed(engine, texts);
  EXPECT_TRUE(same_bits(second.data, expected.data));
  EXPECT_EQ(controls_.refused, refused) << "the limit was forgotten";
}

TEST_F(DeviceQueueTest, RowThatDoesNotFitFailsAloneAmongTheRowsOfOthers) {
  const Engine engine = load("4000");
  std::string too_long;
  for (int i = 0; i < 60; ++i) too_long += "river ";
  const Result expected = embed(plain(), {"stone"});
  controls_.most_floats = 20 * 32;  // the hidden states of 20 tokens
  hold_device_for_a_moment();
  run_all(4, [&](int i) {
    const Texts texts = i == 0 ? Texts{"stone", too_long} : Texts{"stone", "stone"};
    const Result result = embed(engine, texts);
    EXPECT_EQ(result.status, (std::vector<int32_t>{0, i == 0 ? 3 : 0}));
    EXPECT_TRUE(same_bits(result.row(0), expected.row(0)));
  });
}

TEST_F(DeviceQueueTest, DeviceErrorEndsTheCallAndTheNextOneWorks) {
  const Engine engine = load("4000");
  const Texts texts = mixed_texts(100);
  controls_.broken = true;
  run_all(3, [&](int) {
    try {
      embed(engine, texts);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kDevice);
    }
  });
  controls_.broken = false;
  EXPECT_TRUE(same_bits(embed(engine, texts).data, embed(plain(), texts).data));
}

TEST_F(DeviceQueueTest, ChildOfAForkIsToldToLoadAgainAndDoesNotHang) {
  const Engine engine = load("64");
  const Texts texts = mixed_texts(20);
  embed(engine, texts);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);  // a hang is a failure, not a wait for ever
    int code = 1;
    try {
      embed(engine, texts);
    } catch (const Error& error) {
      code = error.code() == Code::kDevice ? 0 : 2;
    }
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace emberline
