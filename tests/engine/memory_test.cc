// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <new>

#include "base/error.h"
#include "column.h"
#include "engine/engine.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::options_of;
using testing::Result;
using testing::same_bits;

// A device with little memory: refuses every allocation above a limit that tests set after loading.
class SmallDevice : public Backend {
 public:
  SmallDevice(const std::atomic<int64_t>& limit, bool as_error) : limit_(limit), as_error_(as_error) {}

  std::string describe() const override { return device_->describe(); }
  DType dtype() const override { return device_->dtype(); }
  std::unique_ptr<Buffer> allocate(int64_t floats) const override {
    if (floats > limit_.load()) {
      if (as_error_) fail(Code::kOutOfMemory, "allocate: got {} floats, expected at most {}", floats, limit_.load());
      throw std::bad_alloc();
    }
    return device_->allocate(floats);
  }
  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override { return device_->upload(tensor); }
  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                      std::span<const float> input_factors) const override {
    return device_->make_linear(parts, input_factors);
  }
  std::unique_ptr<Linear> make_dense(const LinearPart& part) const override { return device_->make_dense(part); }
  std::unique_ptr<Operand> make_operand() const override { return device_->make_operand(); }
  std::unique_ptr<Backend> make_exact() const override { return device_->make_exact(); }
  std::unique_ptr<Stream> make_stream(int64_t threads) const override { return device_->make_stream(threads); }
  int64_t preferred_batch_tokens(int64_t hidden, int64_t ffn) const override {
    return device_->preferred_batch_tokens(hidden, ffn);
  }

 private:
  const std::atomic<int64_t>& limit_;
  bool as_error_;
  std::unique_ptr<Backend> device_ = make_cpu_backend("auto", DType::kF32);
};

class Memory : public ::testing::TestWithParam<bool> {};

TEST_P(Memory, RowThatDoesNotFitFailsAloneAndItsNeighboursKeepTheirVectors) {
  std::atomic<int64_t> limit{int64_t{1} << 40};
  const Engine engine = Engine::load_on(std::make_unique<SmallDevice>(limit, GetParam()), data_path("tiny-prompts"),
                                        options_of({{"threads", "2"}, {"prompt", ""}}));
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += "river ";
  const testing::Texts texts{"stone", long_text, "data", "", std::nullopt, "emb"};
  const Result roomy = embed(engine, texts);
  ASSERT_EQ(roomy.status, (std::vector<int32_t>{0, 0, 0, 0, 1, 0}));
  ASSERT_GT(roomy.tokens[1], 50);

  limit = 20 * 32;  // the hidden states of 20 tokens
  const Result tight = embed(engine, texts);
  EXPECT_EQ(tight.status, (std::vector<int32_t>{0, 3, 0, 0, 1, 0}));
  EXPECT_EQ(tight.tokens[1], 0);
  EXPECT_EQ(tight.stats.failed, 1);
  EXPECT_EQ(tight.stats.rows, 4);
  for (const size_t row : {0U, 2U, 3U, 5U}) EXPECT_TRUE(same_bits(tight.row(row), roomy.row(row))) << row;
  EXPECT_NE(engine.row_message(RowStatus::kTooLarge).find("memory"), std::string::npos);
}

TEST_P(Memory, BatchThatDoesNotFitIsComputedRowByRow) {
  std::atomic<int64_t> limit{int64_t{1} << 40};
  const Engine engine = Engine::load_on(std::make_unique<SmallDevice>(limit, GetParam()), data_path("tiny-prompts"),
                                        options_of({{"threads", "1"}, {"prompt", ""}, {"batch_tokens", "4000"}}));
  const testing::Texts texts(40, "river stone data");
  const Result roomy = embed(engine, texts);
  EXPECT_EQ(roomy.stats.batches, 1);
  limit = 20 * 32;  // the hidden states of 20 tokens
  const Result tight = embed(engine, texts);
  EXPECT_EQ(tight.stats.failed, 0);
  EXPECT_EQ(tight.stats.batches, 40);
  EXPECT_TRUE(same_bits(tight.data, roomy.data));
}

INSTANTIATE_TEST_SUITE_P(BadAllocAndDeviceError, Memory, ::testing::Bool());

}  // namespace
}  // namespace emberline
