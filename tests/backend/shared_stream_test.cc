// SPDX-License-Identifier: Apache-2.0
// Streams whose operations several threads share, for every instruction set and precision.
#include <string>

#include "backend/backend_fixture.h"
#include "backend/devices.h"

namespace emberline {
namespace {

constexpr int64_t kHeads = 5;
constexpr int64_t kHeadDim = 28;
constexpr int64_t kStreamHidden = kHeads * kHeadDim;
constexpr int64_t kStreamFfn = 600;
constexpr int64_t kStreamTokens = 41;

class SharedStreamTest : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (backend_ == nullptr) return;
    norm_ = {.gain = numbers(kStreamHidden, 1), .bias = numbers(kStreamHidden, 2), .factors = nullptr};
    query_key_value_ = linear(3 * kStreamHidden, kStreamHidden, 3);
    output_ = linear(kStreamHidden, kStreamHidden, 4);
    up_ = linear(kStreamFfn, kStreamHidden, 5);
    down_ = linear(kStreamHidden, kStreamFfn, 6);
  }

  // Causal attention whose heads of keys serve two heads of queries each, normed and turned, of the same sequences.
  Matrix run_shared_keys(int64_t num_threads) const {
    const std::vector<int64_t> offsets = {0, 17, 17, kStreamTokens};
    const auto all = linear(10 * kHeadDim, kStreamHidden, 8);
    const auto output = linear(kStreamHidden, 6 * kHeadDim, 9);
    const auto gain = numbers(kHeadDim, 10);
    const auto rotation = numbers(kStreamTokens * kHeadDim, 11);
    AttentionShape shape = {6, kHeadDim, 0.2F};
    shape.num_kv_heads = 2;
    shape.causal = true;
    shape.query_norm = shape.key_norm = gain.get();
    shape.rotation = rotation.get();
    const auto stream = backend_->make_stream(num_threads);
    const auto normed = backend_->make_operand();
    const auto attended = backend_->make_operand();
    Matrix hidden = Matrix::random(kStreamTokens, kStreamHidden, 7);
    stream->norm(hidden.view(), {}, norm_, hidden.view(), normed.get());
    stream->self_attention(*normed, *all, offsets, shape, *attended);
    stream->linear(*attended, *output, Activation::kNone, hidden.view());
    EXPECT_TRUE(hidden.walls_stand());
    return hidden;
  }

  // Attention with terms of distances up to `reach`, of the same sequences.
  Matrix run_terms(int64_t num_threads, int64_t reach) const {
    const std::vector<int64_t> offsets = {0, 17, 17, kStreamTokens};
    DistanceTerms terms;
    terms.by_query = numbers((2 * reach + 1) * kStreamHidden, 12);
    terms.by_key = numbers((2 * reach + 1) * kStreamHidden, 13);
    terms.cols = kStreamHidden;
    terms.reach = reach;
    for (int64_t d = -reach; d <= reach; ++d) terms.row_of.push_back(static_cast<int32_t>(reach - d));
    backend_->pack_terms(terms, kHeads);
    AttentionShape shape = {kHeads, kHeadDim, 0.1F};
    shape.distance_terms = &terms;
    const auto stream = backend_->make_stream(num_threads);
    const auto normed = backend_->make_operand();
    const auto attended = backend_->make_operand();
    Matrix hidden = Matrix::random(kStreamTokens, kStreamHidden, 7);
    stream->norm(hidden.view(), {}, norm_, hidden.view(), normed.get());
    stream->self_attention(*normed, *query_key_value_, offsets, shape, *attended);
    stream->linear(*attended, *output_, Activation::kNone, hidden.view());
    EXPECT_TRUE(hidden.walls_stand());
    return hidden;
  }

  // A layer of three sequences, one of them empty.
  Matrix run_layer(int64_t num_threads, Activation activation) const {
    const std::vector<int64_t> offsets = {0, 17, 17, kStreamTokens};
    const auto stream = backend_->make_stream(num_threads);
    const auto normed = backend_->make_operand();
    const auto attended = backend_->make_operand();
    Matrix hidden = Matrix::random(kStreamTokens, kStreamHidden, 7);
    Matrix projected(kStreamTokens, kStreamHidden);
    stream->norm(hidden.view(), {}, norm_, hidden.view(), normed.get());
    stream->self_attention(*normed, *query_key_value_, offsets, {kHeads, kHeadDim, 0.2F}, *attended);
    stream->linear(*attended, *output_, Activation::kNone, projected.view());
    stream->norm(projected.view(), hidden.view(), norm_, hidden.view(), normed.get());
    stream->feed_forward(*normed, *up_, activation, *down_, projected.view());
    stream->norm(projected.view(), hidden.view(), norm_, hidden.view(), nullptr);
    EXPECT_TRUE(hidden.walls_stand());
    return hidden;
  }

 private:
  std::unique_ptr<Buffer> numbers(int64_t count, unsigned seed) const {
    return backend_->upload(HostTensor::of("numbers", Matrix::random(1, count, seed)).view);
  }
  std::unique_ptr<Linear> linear(int64_t out, int64_t in, unsigned seed) const {
    const HostTensor weight = HostTensor::of("weight", Matrix::random(out, in, seed, 0.1F));
    const HostTensor bias("bias", {out}, std::vector<float>(static_cast<size_t>(out), 0.1F));
    const LinearPart part = {weight.view, bias.view};
    return backend_->make_linear({&part, 1}, {});
  }

  NormWeights norm_;
  std::unique_ptr<Linear> query_key_value_;
  std::unique_ptr<Linear> output_;
  std::unique_ptr<Linear> up_;
  std::unique_ptr<Linear> down_;
};

TEST_P(SharedStreamTest, NumberOfThreadsChangesABit) {
  for (const Activation activation : {Activation::kGelu, Activation::kTanh}) {
    const Matrix alone = run_layer(1, activation);
    for (const int64_t threads : {2, 3, 8}) {
      const Matrix shared = run_layer(threads, activation);
      for (int64_t r = 0; r < kStreamTokens; ++r) {
        ASSERT_TRUE(same_bits(alone.row(r), shared.row(r), kStreamHidden)) << threads << " threads, token " << r;
      }
    }
  }
}

TEST_P(SharedStreamTest, NumberOfThreadsTurnsASharedKeyTwice) {
  const Matrix alone = run_shared_keys(1);
  for (const int64_t threads : {2, 3, 8}) {
    const Matrix shared = run_shared_keys(threads);
    for (int64_t r = 0; r < kStreamTokens; ++r) {
      ASSERT_TRUE(same_bits(alone.row(r), shared.row(r), kStreamHidden)) << threads << " threads, token " << r;
    }
  }
}

TEST_P(SharedStreamTest, NumberOfThreadsGivesAHeadAnothersTerms) {
  const Matrix alone = run_terms(1, 23);
  for (const int64_t threads : {2, 3, 8}) {
    const Matrix shared = run_terms(threads, 23);
    for (int64_t r = 0; r < kStreamTokens; ++r) {
      ASSERT_TRUE(same_bits(alone.row(r), shared.row(r), kStreamHidden)) << threads << " threads, token " << r;
    }
  }
}

TEST_P(SharedStreamTest, LongerSequenceThanTheTermsReachReadsBeyondThem) {
  EXPECT_THROW(run_terms(1, 22), Error);
}

EMB_FOR_EVERY_DEVICE(SharedStreamTest);

}  // namespace
}  // namespace emberline
