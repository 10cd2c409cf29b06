// SPDX-License-Identifier: Apache-2.0
#include "model/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "model/expect_error.h"
#include "model/golden.h"
#include "model/naive_backend.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

// Counts the layers that run: one attention each.
class CountingStream : public Stream {
 public:
  explicit CountingStream(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
  int64_t attentions = 0;

  void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
             std::span<const int32_t> types, MatrixView out) override {
    stream_->embed(tables, ids, positions, types, out);
  }
  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out, Operand* operand) override {
    stream_->norm(x, residual, weights, out, operand);
  }
  void to_operand(MatrixView x, const Buffer* factors, Operand& operand) override {
    stream_->to_operand(x, factors, operand);
  }
  void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> offsets,
                      const AttentionShape& shape, Operand& out) override {
    ++attentions;
    stream_->self_attention(x, query_key_value, offsets, shape, out);
  }
  void linear(const Operand& x, const Linear& weights, Activation activation, MatrixView out) override {
    stream_->linear(x, weights, activation, out);
  }
  void convolve(MatrixView x, std::span<const int64_t> offsets, int64_t before, const Linear& weights,
                Activation activation, MatrixView out) override {
    stream_->convolve(x, offsets, before, weights, activation, out);
  }
  void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                    MatrixView out) override {
    stream_->feed_forward(x, up, activation, down, out);
  }
  void gated_feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                          MatrixView out) override {
    stream_->gated_feed_forward(x, up, activation, down, out);
  }
  void routed_feed_forward(MatrixView x, const Buffer* factors, const Experts& experts, Activation activation,
                           MatrixView out) override {
    stream_->routed_feed_forward(x, factors, experts, activation, out);
  }
  void dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) override {
    stream_->dense(x, weights, activation, out);
  }
  void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) override {
    stream_->combine(x, op, step, num_layers, total);
  }
  void pool(MatrixView hidden, std::span<const int64_t> offsets, Pooling pooling, int64_t skip,
            MatrixView out) override {
    stream_->pool(hidden, offsets, pooling, skip, out);
  }
  void normalize(MatrixView x) override { stream_->normalize(x); }
  void download_row(MatrixView x, int64_t row, int64_t cols, float* host) override {
    stream_->download_row(x, row, cols, host);
  }

 private:
  std::unique_ptr<Stream> stream_;
};

std::vector<float> values(const MatrixView& x) {
  std::vector<float> all;
  for (int64_t r = 0; r < x.rows; ++r)
    all.insert(all.end(), x.data + r * x.row_stride, x.data + r * x.row_stride + x.cols);
  return all;
}

class EncoderTest : public testing::Test {
 protected:
  std::vector<float> run(const Batch& batch, const LayerSelection& selection) {
    stream_.attentions = 0;
    return values(encoder_.forward(stream_, batch, selection, scratch_));
  }

  Golden golden_ = read_golden("tiny-bert");
  int64_t row_ = golden_.layer_rows.back();
  Batch batch_ = make_batch({golden_.ids.at(static_cast<size_t>(row_))});
  std::unique_ptr<Backend> backend_ = make_naive_backend();
  CountingStream stream_{backend_->make_stream(1)};
  ModelConfig config_ = read_model_config(model_path("tiny-bert"));
  Encoder encoder_{config_.network, Weights::open(model_path("tiny-bert")), *backend_};
  EncoderScratch scratch_;
};

TEST_F(EncoderTest, LayersCombineAsTheirOperationSays) {
  const std::vector<int64_t> layers = {0, 2, 3};
  std::vector<std::vector<float>> states;
  for (const int64_t layer : layers) states.push_back(golden_.hidden(row_, layer));
  const auto expect = [&](LayerOp op, auto&& combine) {
    const std::vector<float> actual = run(batch_, {layers, op});
    ASSERT_EQ(actual.size(), states[0].size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_NEAR(actual[i], combine(states[0][i], states[1][i], states[2][i]), 3e-5) << "value " << i;
    }
  };
  expect(LayerOp::kSum, [](float a, float b, float c) { return a + b + c; });
  expect(LayerOp::kMean, [](float a, float b, float c) { return (a + b + c) / 3; });
  expect(LayerOp::kMax, [](float a, float b, float c) { return std::max({a, b, c}); });
}

TEST_F(EncoderTest, ConcatenationKeepsTheSelectionsOrder) {
  const int64_t hidden = config_.network.hidden_size;
  const std::vector<float> actual = run(batch_, {{3, 0, 3}, LayerOp::kConcat});
  const std::vector<float> last = golden_.hidden(row_, 3);
  const std::vector<float> first = golden_.hidden(row_, 0);
  for (int64_t t = 0; t < batch_.num_tokens(); ++t) {
    for (int64_t c = 0; c < hidden; ++c) {
      const auto at = static_cast<size_t>(t * 3 * hidden + c);
      const auto from = static_cast<size_t>(t * hidden + c);
      const auto step = static_cast<size_t>(hidden);
      EXPECT_NEAR(actual[at], last[from], 3e-5);
      EXPECT_NEAR(actual[at + step], first[from], 3e-5);
      EXPECT_EQ(actual[at + 2 * step], actual[at]);
    }
  }
}

TEST_F(EncoderTest, NoLayerRunsAboveTheHighestSelected) {
  run(batch_, {.layers = {0}});
  EXPECT_EQ(stream_.attentions, 0);
  run(batch_, {.layers = {1, 0}});
  EXPECT_EQ(stream_.attentions, 1);
  run(batch_, {.layers = {3}});
  EXPECT_EQ(stream_.attentions, 3);
}

TEST_F(EncoderTest, RowsOfABatchAreTheRowsAlone) {
  const std::vector<std::vector<int32_t>> rows = {golden_.ids[3], golden_.ids[0], golden_.ids[7]};
  const std::vector<float> together = run(make_batch(rows), {{1, 3}, LayerOp::kMean});
  std::vector<float> alone;
  for (const std::vector<int32_t>& ids : rows) {
    const std::vector<float> one = run(make_batch({ids}), {{1, 3}, LayerOp::kMean});
    alone.insert(alone.end(), one.begin(), one.end());
  }
  EXPECT_EQ(together, alone);
}

TEST_F(EncoderTest, BatchWithoutTokensRunsNothing) {
  EXPECT_TRUE(run(make_batch({}), {.layers = {3}}).empty());
  EXPECT_EQ(stream_.attentions, 0);
}

TEST_F(EncoderTest, IndicesOutsideTheTablesAreRefused) {
  Batch bad = batch_;
  bad.ids[2] = 700;
  expect_error(Code::kFormat, {"token id 700 of token 2, expected 0 to 699"}, [&] { run(bad, {.layers = {3}}); });
  bad.ids[2] = -1;
  expect_error(Code::kFormat, {"token id -1 of token 2"}, [&] { run(bad, {.layers = {3}}); });
  bad = batch_;
  bad.positions[1] = 64;
  expect_error(Code::kFormat, {"position 64 of token 1, expected 0 to 63"}, [&] { run(bad, {.layers = {3}}); });
  bad = batch_;
  bad.types[0] = 2;
  expect_error(Code::kFormat, {"token type 2 of token 0, expected 0 to 1"}, [&] { run(bad, {.layers = {3}}); });
}

TEST_F(EncoderTest, BatchThatContradictsItselfIsRefused) {
  Batch bad = batch_;
  bad.types.pop_back();
  expect_error(Code::kInternal, {"token types for"}, [&] { run(bad, {.layers = {3}}); });
  bad = batch_;
  bad.seq_offsets.back() += 1;
  expect_error(Code::kInternal, {"sequence offsets"}, [&] { run(bad, {.layers = {3}}); });
}

TEST_F(EncoderTest, LayersThatAreNotThereAreRefused) {
  expect_error(Code::kInvalidArgument, {"layers: got 4, expected 0 to 3"}, [&] { run(batch_, {.layers = {4}}); });
  expect_error(Code::kInvalidArgument, {"layers: got -1"}, [&] { run(batch_, {.layers = {-1}}); });
  expect_error(Code::kInvalidArgument, {"layers: got none"}, [&] { run(batch_, {.layers = {}}); });
}

// The weights of a model with every `from` in a tensor's name replaced.
std::string renamed(const std::string& from, const std::string& to, const std::string& model = "tiny-bert") {
  std::ifstream file(model_path(model) + "/model.safetensors", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  std::string header = bytes.substr(8, length);
  for (size_t at = header.find(from); at != std::string::npos; at = header.find(from, at + to.size())) {
    header.replace(at, from.size(), to);
  }
  return safetensors(header, bytes.substr(8 + length));
}

TEST_F(EncoderTest, LayerNormsOfTheFirstReleasesNamesAreFound) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", renamed("LayerNorm.weight", "LayerNorm.gamma"));
  const Encoder gamma(config_.network, Weights::open(directory.path()), *backend_);
  EXPECT_EQ(values(gamma.forward(stream_, batch_, {.layers = {3}}, scratch_)), run(batch_, {.layers = {3}}));
}

TEST_F(EncoderTest, WordsUnderTheirOtherNameAreMissing) {
  const ModelConfig config = read_model_config(model_path("tiny-t5"));
  const TemporaryDirectory directory;
  directory.write("model.safetensors", renamed("shared.weight", "encoder.embed_tokens.weight", "tiny-t5"));
  const Batch batch = make_batch({read_golden("tiny-t5").ids.at(1)});
  const Encoder usual(config.network, Weights::open(model_path("tiny-t5")), *backend_);
  const Encoder other(config.network, Weights::open(directory.path()), *backend_);
  EXPECT_EQ(values(other.forward(stream_, batch, {.layers = {3}}, scratch_)),
            values(usual.forward(stream_, batch, {.layers = {3}}, scratch_)));
}

TEST_F(EncoderTest, MissingTensorIsNamed) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", renamed("encoder.layer.1.attention.self.key.bias", "other"));
  expect_error(Code::kFormat, {"tensor encoder.layer.1.attention.self.key.bias of shape [32] is missing"},
               [&] { Encoder(config_.network, Weights::open(directory.path()), *backend_); });
}

TEST_F(EncoderTest, TensorThatTheConfigurationDeniesIsLeftOut) {
  const NetworkConfig read = read_model_config(model_path("tiny-modernbert-task-head")).network;
  const Weights weights = Weights::open(model_path("tiny-modernbert-task-head"));
  const auto denied = [&](bool NetworkConfig::* flag, const std::string& tensor) {
    NetworkConfig network = read;
    network.*flag = false;
    expect_error(Code::kFormat, {"tiny-modernbert-task-head", "holds tensor model." + tensor, "config.json"},
                 [&] { Encoder(network, weights, *backend_); });
  };
  denied(&NetworkConfig::norm_bias, "embeddings.norm.bias");
  denied(&NetworkConfig::query_bias, "layers.0.attn.Wqkv.bias");
  denied(&NetworkConfig::attention_output_bias, "layers.0.attn.Wo.bias");
  denied(&NetworkConfig::up_bias, "layers.0.mlp.Wi.bias");
  denied(&NetworkConfig::down_bias, "layers.0.mlp.Wo.bias");
}

TEST_F(EncoderTest, TensorOfAnotherShapeIsNamedWithBothShapes) {
  NetworkConfig network = config_.network;
  network.intermediate_size = 65;
  expect_error(Code::kFormat,
               {"tensor encoder.layer.0.intermediate.dense.weight has shape [64, 32], expected [65, 32]"},
               [&] { Encoder(network, Weights::open(model_path("tiny-bert")), *backend_); });
}

}  // namespace
}  // namespace emberline
