// SPDX-License-Identifier: Apache-2.0
#include "model/relative_positions.h"

#include <gtest/gtest.h>

#include "model/expect_error.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

NetworkConfig network_with(const std::string& keys) {
  const TemporaryDirectory directory;
  directory.write("config.json",
                  R"({"model_type":"deberta-v2","hidden_size":48,"num_attention_heads":4,)" + keys + "}");
  return read_model_config(directory.path()).network;
}

const std::string kThird = R"("relative_attention":true,"pos_att_type":"p2c|c2p","position_buckets":256,
    "max_relative_positions":-1,"max_position_embeddings":512,"norm_rel_ebd":"layer_norm","share_att_key":true,
    "position_biased_input":false,"type_vocab_size":0)";

TEST(RelativePositions, KeysOfTheThirdVersionGiveAnother) {
  const NetworkConfig third = network_with(kThird);
  EXPECT_EQ(third.relative.span, 256);
  EXPECT_EQ(third.relative.num_buckets, 256);
  EXPECT_EQ(third.relative.farthest, 512);
  EXPECT_TRUE(third.relative.by_query && third.relative.by_key);
  EXPECT_TRUE(third.relative.shares_products && third.relative.is_normed);
  EXPECT_EQ(third.tensors.positions, nullptr);
  EXPECT_EQ(third.type_vocab_size, 0);
  EXPECT_EQ(third.layer_norm_eps, 1e-7F);
  const NetworkConfig older =
      network_with(R"("relative_attention":true,"pos_att_type":["c2p"],"max_relative_positions":40)");
  EXPECT_EQ(older.relative.span, 40);
  EXPECT_EQ(older.relative.num_buckets, 0);
  EXPECT_TRUE(older.relative.by_query && !older.relative.by_key);
  EXPECT_FALSE(older.relative.shares_products || older.relative.is_normed);
  EXPECT_NE(older.tensors.positions, nullptr);
}

TEST(RelativePositions, MechanicThatIsNotThereIsIgnored) {
  const auto refused = [](Code code, const std::string& keys, const std::string& text) {
    expect_error(code, {"config.json", text}, [&] { network_with(keys); });
  };
  refused(Code::kUnsupported, R"("pos_att_type":"c2p")", "relative_attention: got no such key, supported: true");
  refused(Code::kUnsupported, R"("relative_attention":false)", "relative_attention: got false, supported: true");
  refused(Code::kUnsupported, R"("relative_attention":true)", "pos_att_type is missing");
  refused(Code::kUnsupported, R"("relative_attention":true,"pos_att_type":"c2p|p2p")", "pos_att_type: got \"c2p|p2p\"");
  refused(Code::kUnsupported, kThird + R"(,"conv_kernel_size":3)", "conv_kernel_size: got 3, supported: 0");
  refused(Code::kUnsupported, kThird + R"(,"embedding_size":24)", "embedding_size: got 24, supported: 48");
  refused(Code::kUnsupported, kThird + R"(,"attention_head_size":64)", "attention_head_size: got 64, supported: 12");
  refused(Code::kFormat, R"("relative_attention":true,"pos_att_type":"c2p","position_buckets":64,
      "max_relative_positions":33)",
          "position_buckets: got 64, expected 0 or 2 to 62");
}

// What the reference's build_relative_position gives for 256 buckets and 512 positions, where a bucket begins.
TEST(RelativePositions, DistanceTakesANeighboursRow) {
  const RelativePositions relative = {.span = 256, .num_buckets = 256, .farthest = 512};
  const std::vector<int32_t> rows = relative_rows(relative, 511);
  const auto row = [&](int64_t distance) { return rows.at(static_cast<size_t>(511 + distance)); };
  const std::pair<int64_t, int32_t> first_of_bucket[] = {
      {0, 0},     {1, 1},     {127, 127}, {128, 128}, {129, 129}, {130, 130}, {145, 140}, {161, 150}, {201, 170},
      {278, 200}, {346, 220}, {430, 240}, {479, 250}, {484, 251}, {490, 252}, {495, 253}, {500, 254}, {506, 255}};
  for (const auto& [steps, bucket] : first_of_bucket) {
    EXPECT_EQ(row(-steps), 256 + bucket) << steps;
    EXPECT_EQ(row(steps), 256 - bucket) << steps;
    if (steps > 0) {
      EXPECT_EQ(row(1 - steps), 255 + bucket) << steps;
    }
  }
}

TEST(RelativePositions, DistanceBeyondTheTableLeavesIt) {
  const RelativePositions relative = {.span = 3, .num_buckets = 0, .farthest = 3};
  EXPECT_EQ(relative_rows(relative, 5), (std::vector<int32_t>{5, 5, 5, 5, 4, 3, 2, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace emberline
