// SPDX-License-Identifier: Apache-2.0
#include "model/families.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/encoder_weights.h"
#include "model/expect_error.h"
#include "model/safetensors_file.h"
#include "model/tensor_names.h"

namespace emberline {
namespace {

ModelConfig read_family(const std::string& config) {
  const TemporaryDirectory directory;
  directory.write("config.json", config);
  return read_model_config(directory.path());
}

NetworkConfig read_network(const std::string& config) {
  return read_family(config).network;
}

TEST(Families, DistilBertsOwnKeysAreIgnored) {
  const NetworkConfig distilbert = read_network(
      R"({"model_type":"distilbert","dim":24,"n_layers":3,"n_heads":4,"hidden_dim":40,"activation":"relu",
          "max_position_embeddings":33,"layer_norm_eps":0.5})");
  EXPECT_EQ(distilbert.hidden_size, 24);
  EXPECT_EQ(distilbert.embedding_size, 24);
  EXPECT_EQ(distilbert.num_hidden_layers, 3);
  EXPECT_EQ(distilbert.num_attention_heads, 4);
  EXPECT_EQ(distilbert.intermediate_size, 40);
  EXPECT_EQ(distilbert.hidden_act, Activation::kRelu);
  EXPECT_EQ(distilbert.type_vocab_size, 0);
  EXPECT_EQ(distilbert.layer_norm_eps, 1e-12F);
}

TEST(Families, ConfigurationClassesDefaultsAreOthers) {
  EXPECT_EQ(read_network(R"({"model_type":"roberta"})").vocab_size, 50265);
  EXPECT_EQ(read_network(R"({"model_type":"xlm-roberta"})").vocab_size, 30522);
  EXPECT_EQ(read_network(R"({"model_type":"camembert"})").type_vocab_size, 2);
  EXPECT_EQ(read_network(R"({"model_type":"electra"})").hidden_size, 256);
  EXPECT_EQ(read_network(R"({"model_type":"electra"})").embedding_size, 128);
  EXPECT_EQ(read_network(R"({"model_type":"distilbert"})").num_hidden_layers, 6);
  const NetworkConfig albert = read_network(R"({"model_type":"albert"})");
  EXPECT_EQ(albert.hidden_size, 4096);
  EXPECT_EQ(albert.hidden_act, Activation::kGeluTanh);
  EXPECT_EQ(albert.num_stored_layers(), 1);
}

TEST(Families, PositionsBehindThePaddingCountAsTokens) {
  const ModelConfig config =
      read_family(R"({"model_type":"xlm-roberta","max_position_embeddings":514,"pad_token_id":3})");
  EXPECT_EQ(config.network.padding_position, 3);
  EXPECT_EQ(config.network.max_positions(), 510);
  EXPECT_EQ(config.max_tokens, 510);
  EXPECT_EQ(read_family(R"({"model_type":"bert","max_position_embeddings":514,"pad_token_id":3})").max_tokens, 514);
}

TEST(Families, ProjectionIsExpectedWhereThereIsNone) {
  EXPECT_TRUE(read_network(R"({"model_type":"electra","embedding_size":128,"hidden_size":256})").projects_embeddings());
  EXPECT_FALSE(
      read_network(R"({"model_type":"electra","embedding_size":256,"hidden_size":256})").projects_embeddings());
  EXPECT_TRUE(read_network(R"({"model_type":"albert","embedding_size":4096})").projects_embeddings());
  EXPECT_FALSE(read_network(R"({"model_type":"bert","embedding_size":128})").projects_embeddings());
}

TEST(Families, LayerTakesAnothersWeights) {
  const auto sets = [](const std::string& keys) {
    return first_layers_with_weights(read_network(R"({"model_type":"albert",)" + keys + "}"));
  };
  using Layers = std::vector<int64_t>;
  EXPECT_EQ(sets(R"("num_hidden_layers":5,"num_hidden_groups":2)"), (Layers{0, 0, 0, 3, 3}));
  EXPECT_EQ(sets(R"("num_hidden_layers":2,"num_hidden_groups":1,"inner_group_num":2)"), (Layers{0, 1, 0, 1}));
  EXPECT_EQ(sets(R"("num_hidden_layers":2,"num_hidden_groups":2,"inner_group_num":2)"), (Layers{0, 1, 2, 3}));
  EXPECT_EQ(first_layers_with_weights(read_network(R"({"model_type":"electra","num_hidden_layers":3})")),
            (Layers{0, 1, 2}));
}

TEST(Families, LayersNamesAreAnothers) {
  EXPECT_EQ(layer_prefix(read_network(R"({"model_type":"bert"})"), 11), "encoder.layer.11.");
  EXPECT_EQ(layer_prefix(read_network(R"({"model_type":"distilbert"})"), 4), "transformer.layer.4.");
  const NetworkConfig albert =
      read_network(R"({"model_type":"albert","num_hidden_layers":4,"num_hidden_groups":2,"inner_group_num":3})");
  EXPECT_EQ(albert.num_hidden_layers, 12);
  EXPECT_EQ(layer_prefix(albert, 11), "encoder.albert_layer_groups.1.albert_layers.2.");
}

TEST(Families, RotationOfAnOlderOrNewerFileIsLost) {
  const NetworkConfig plain = read_network(R"({"model_type":"modernbert","num_hidden_layers":4})");
  EXPECT_EQ(plain.rotation_theta, 160000);
  EXPECT_EQ(plain.local_rotation_theta, 10000);
  EXPECT_EQ(plain.window, 64);
  EXPECT_EQ(plain.local_layers, (std::vector<bool>{false, true, true, false}));
  EXPECT_FALSE(plain.norm_bias || plain.query_bias || plain.up_bias || plain.down_bias);
  const NetworkConfig older = read_network(R"({"model_type":"modernbert","num_hidden_layers":3,"global_rope_theta":9000,
      "local_rope_theta":50.5,"local_attention":10,"global_attn_every_n_layers":2,"norm_bias":true})");
  EXPECT_EQ(older.rotation_theta, 9000);
  EXPECT_EQ(older.local_rotation_theta, 50.5);
  EXPECT_EQ(older.window, 5);
  EXPECT_EQ(older.local_layers, (std::vector<bool>{false, true, false}));
  EXPECT_TRUE(older.norm_bias);
  const NetworkConfig newer = read_network(R"({"model_type":"modernbert","num_hidden_layers":2,
      "layer_types":["sliding_attention","full_attention"],
      "rope_parameters":{"full_attention":{"rope_type":"default","rope_theta":7.0},"sliding_attention":{"rope_theta":8}}})");
  EXPECT_EQ(newer.rotation_theta, 7);
  EXPECT_EQ(newer.local_rotation_theta, 8);
  EXPECT_EQ(newer.local_layers, (std::vector<bool>{true, false}));
}

TEST(Families, RotationThatCannotBeFollowedIsIgnored) {
  const auto modern = [](const std::string& keys) {
    return [keys] { read_network(R"({"model_type":"modernbert","num_hidden_layers":2,)" + keys + "}"); };
  };
  expect_error(Code::kUnsupported, {"config.json: rope_scaling"}, modern(R"("rope_scaling":{"type":"linear"})"));
  expect_error(Code::kUnsupported, {"rope_parameters: full_attention: rope_type: got \"yarn\", supported: \"default\""},
               modern(R"("rope_parameters":{"full_attention":{"rope_type":"yarn"}})"));
  expect_error(Code::kUnsupported, {"rope_parameters: got key partial_rotary_factor, supported: rope_type"}, [] {
    read_network(R"({"model_type":"gte","rope_parameters":{"rope_theta":9,"partial_rotary_factor":0.5}})");
  });
  expect_error(Code::kFormat, {"global_rope_theta: got 0, expected a number above 0"},
               modern(R"("global_rope_theta":0)"));
  expect_error(Code::kFormat, {"layer_types: got 1 kinds, expected one for each of 2 layers"},
               modern(R"("layer_types":["full_attention"])"));
  expect_error(Code::kFormat, {"layer_types: 1: got \"other\", expected \"full_attention\" or"},
               modern(R"("layer_types":["full_attention","other"])"));
  expect_error(Code::kFormat, {"heads of 3 numbers cannot be rotated in pairs: num_attention_heads is 4"},
               modern(R"("hidden_size":12,"num_attention_heads":4)"));
}

TEST(Families, PublishedKeysOfNomicBertGiveAnotherNetwork) {
  const NetworkConfig own = read_network(R"({"model_type":"nomic_bert","hidden_size":48,"num_hidden_layers":3,
      "num_attention_heads":4,"intermediate_size":80,"max_position_embeddings":128,"layer_norm_eps":1e-6,
      "type_vocab_size":2,"vocab_size":90,"rope_parameters":{"rope_theta":500,"rope_type":"default"}})");
  const NetworkConfig published =
      read_network(R"({"model_type":"nomic_bert","n_embd":48,"n_layer":3,"n_head":4,"n_inner":80,
      "n_positions":128,"layer_norm_epsilon":1e-6,"type_vocab_size":2,"vocab_size":90,"rotary_emb_base":500,
      "rotary_emb_fraction":1.0,"rotary_emb_interleaved":false,"rotary_scaling_factor":null,"prenorm":false,
      "use_rms_norm":false,"activation_function":"swiglu","qkv_proj_bias":false,"mlp_fc1_bias":false,
      "mlp_fc2_bias":false})");
  EXPECT_EQ(published.hidden_size, own.hidden_size);
  EXPECT_EQ(published.num_hidden_layers, own.num_hidden_layers);
  EXPECT_EQ(published.num_attention_heads, own.num_attention_heads);
  EXPECT_EQ(published.intermediate_size, own.intermediate_size);
  EXPECT_EQ(published.max_positions(), own.max_positions());
  EXPECT_EQ(published.layer_norm_eps, own.layer_norm_eps);
  EXPECT_EQ(published.rotation_theta, own.rotation_theta);
  EXPECT_EQ(published.hidden_act, own.hidden_act);
  EXPECT_STREQ(published.tensors.query_key_value, own.tensors.query_key_value);
  expect_error(Code::kUnsupported, {"config.json: prenorm: got true, supported: false"},
               [] { read_network(R"({"model_type":"nomic_bert","n_embd":48,"n_head":4,"prenorm":true})"); });
  expect_error(Code::kUnsupported, {"config.json: rotary_scaling_factor: got 2, supported: null"},
               [] { read_network(R"({"model_type":"nomic_bert","n_embd":48,"n_head":4,"rotary_scaling_factor":2})"); });
}

TEST(Families, PublishedKeysOfGteGiveAnotherNetwork) {
  const std::string shape = R"("hidden_size":48,"num_attention_heads":4,"num_hidden_layers":2,"vocab_size":90,)";
  const std::string published = R"("layer_norm_type":"layer_norm","pack_qkv":true,"position_embedding_type":"rope",
      "rope_theta":500000,"logn_attention_scale":false,"logn_attention_clip1":false,"type_vocab_size":0,)";
  const auto of = [&](const std::string& model_type, const std::string& scaling) {
    return read_network(R"({"model_type":")" + model_type + "\"," + shape + published + R"("rope_scaling":)" + scaling +
                        "}");
  };
  const NetworkConfig plain = of("new", "null");
  const NetworkConfig own =
      read_network(R"({"model_type":"gte",)" + shape + R"("rope_theta":500000,"type_vocab_size":0})");
  EXPECT_EQ(plain.rotation_theta, own.rotation_theta);
  EXPECT_EQ(plain.rotation_scaling.factor, 1);
  EXPECT_EQ(plain.type_vocab_size, 0);
  EXPECT_STREQ(plain.tensors.query_key_value, own.tensors.query_key_value);
  EXPECT_STREQ(plain.tensors.prefix, "new.");
  EXPECT_EQ(read_network(R"({"model_type":"new"})").max_position_embeddings, 2048);
  const NetworkConfig scaled = of("gte", R"({"type":"ntk","factor":8.0})");
  EXPECT_EQ(scaled.rotation_theta, 4000000);
  EXPECT_EQ(scaled.rotation_scaling.factor, std::pow(8.0, 2.0 / 12));
  const auto refused = [&](Code code, const std::string& scaling, const std::string& text) {
    expect_error(code, {"config.json: rope_scaling", text}, [&] { of("new", scaling); });
  };
  refused(Code::kUnsupported, R"({"type":"yarn","factor":2})", R"(type: got "yarn", supported: "ntk")");
  refused(Code::kUnsupported, R"({"type":"ntk","factor":2,"mixed_b":0.6})", "got key mixed_b");
  refused(Code::kFormat, R"({"type":"ntk","factor":0.5})", "factor: got 0.5, expected a number from 1 on");
  expect_error(Code::kUnsupported, {"config.json: pack_qkv: got false, supported: true"},
               [] { read_network(R"({"model_type":"new","pack_qkv":false})"); });
  expect_error(Code::kUnsupported, {"position_embedding_type: got \"absolute\", supported: \"rope\""},
               [] { read_network(R"({"model_type":"new","position_embedding_type":"absolute"})"); });
}

TEST(Families, JinaV3OfItsAuthorsIsReadAsXlmRoberta) {
  const NetworkConfig rotary = read_network(R"({"model_type":"xlm-roberta","position_embedding_type":"rotary",
      "rotary_emb_base":20000.0,"use_reg_tokens":false,"max_position_embeddings":8194})");
  EXPECT_EQ(rotary.rotation_theta, 20000);
  EXPECT_EQ(rotary.max_positions(), 8194);
  EXPECT_EQ(rotary.tensors.positions, nullptr);
  EXPECT_NE(read_network(R"({"model_type":"xlm-roberta","position_embedding_type":"absolute"})").tensors.positions,
            nullptr);
  expect_error(Code::kUnsupported, {"config.json: use_reg_tokens: got true, supported: false"}, [] {
    read_network(R"({"model_type":"xlm-roberta","position_embedding_type":"rotary","use_reg_tokens":true})");
  });
}

TEST(Families, CodeBesideAModelIsTakenForATransformer) {
  const TemporaryDirectory directory;
  directory.write("modules.json", R"([{"path":"","type":"custom_st.Transformer"},
      {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}])");
  directory.write("1_Pooling/config.json", "{}");
  directory.write("config.json", R"({"model_type":"bert"})");
  expect_error(Code::kUnsupported, {"modules.json", "names code that lies beside the model", "not of model_type bert"},
               [&] { read_model_config(directory.path()); });
}

TEST(Families, JinaBertIsReadAsBert) {
  const NetworkConfig jina = read_network(R"({"model_type":"bert","position_embedding_type":"alibi",
      "feed_forward_type":"geglu","max_position_embeddings":8192,"hidden_act":"relu"})");
  EXPECT_TRUE(jina.distance_slopes);
  EXPECT_TRUE(jina.gated);
  EXPECT_EQ(jina.hidden_act, Activation::kGelu);
  EXPECT_EQ(jina.max_positions(), 8192);
  EXPECT_EQ(jina.tensors.positions, nullptr);
  EXPECT_FALSE(read_network(R"({"model_type":"bert","position_embedding_type":"absolute"})").distance_slopes);
  expect_error(Code::kUnsupported, {"config.json: feed_forward_type: got \"reglu\", supported: \"geglu\""}, [] {
    read_network(R"({"model_type":"bert","position_embedding_type":"alibi","feed_forward_type":"reglu"})");
  });
  expect_error(Code::kUnsupported, {"position_embedding_type: got \"relative_key\", supported: \"absolute\""},
               [] { read_network(R"({"model_type":"bert","position_embedding_type":"relative_key"})"); });
}

TEST(Families, KeysThatContradictEachOtherAreTaken) {
  expect_error(Code::kFormat, {"config.json", "num_hidden_groups: got 4, expected an integer from 1 to 3"},
               [] { read_network(R"({"model_type":"albert","num_hidden_layers":3,"num_hidden_groups":4})"); });
  expect_error(Code::kFormat, {"config.json: max_position_embeddings: got 2, expected more than 2", "padding token, 1"},
               [] { read_network(R"({"model_type":"roberta","max_position_embeddings":2})"); });
  expect_error(Code::kFormat, {"config.json: pad_token_id: got 100, expected less than vocab_size 100"},
               [] { read_network(R"({"model_type":"camembert","vocab_size":100,"pad_token_id":100})"); });
  expect_error(Code::kFormat, {"config.json: dim 25 is not a multiple of n_heads 4"},
               [] { read_network(R"({"model_type":"distilbert","dim":25,"n_heads":4})"); });
  expect_error(Code::kUnsupported, {"config.json: activation: got \"mish\"", "gelu_new"},
               [] { read_network(R"({"model_type":"distilbert","activation":"mish"})"); });
}

TEST(Families, DecodersHeadsOrWindowsAreAnothers) {
  const NetworkConfig qwen2 = read_network(R"({"model_type":"qwen2","hidden_size":48,"num_attention_heads":4,
      "num_key_value_heads":2,"num_hidden_layers":4,"use_sliding_window":true,"sliding_window":9,
      "max_window_layers":3})");
  EXPECT_EQ(qwen2.head_dim(), 12);
  EXPECT_EQ(qwen2.query_size(), 48);
  EXPECT_EQ(qwen2.key_size(), 24);
  EXPECT_TRUE(qwen2.causal && qwen2.query_bias && !qwen2.attention_output_bias);
  EXPECT_EQ(qwen2.window, 8);  // and the token itself
  EXPECT_EQ(qwen2.local_layers, (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(read_network(R"({"model_type":"qwen2","num_hidden_layers":2,"max_window_layers":0})").local_layers,
            (std::vector<bool>{false, false}));
  const NetworkConfig qwen3 = read_network(R"({"model_type":"qwen3","hidden_size":50,"num_attention_heads":4,
      "num_key_value_heads":null,"head_dim":6})");
  EXPECT_EQ(qwen3.query_size(), 24);
  EXPECT_EQ(qwen3.key_size(), 24);
  EXPECT_FALSE(qwen3.query_bias);
  const NetworkConfig mistral = read_network(R"({"model_type":"mistral","num_hidden_layers":2,"head_dim":null})");
  EXPECT_EQ(mistral.head_dim(), 128);
  EXPECT_EQ(mistral.key_size(), 1024);
  EXPECT_EQ(mistral.window, 4095);
  EXPECT_EQ(mistral.local_layers, (std::vector<bool>{true, true}));
  EXPECT_EQ(read_network(R"({"model_type":"mistral","num_hidden_layers":1,"sliding_window":null})").local_layers,
            (std::vector<bool>{false}));
}

TEST(Families, T5sFeedForwardOrBucketsAreAnothers) {
  const NetworkConfig plain =
      read_network(R"({"model_type":"t5","d_model":48,"num_heads":4,"d_kv":16,"num_layers":2})");
  EXPECT_EQ(plain.query_size(), 64);
  EXPECT_EQ(plain.attention_scale, 1);
  EXPECT_EQ(plain.hidden_act, Activation::kRelu);
  EXPECT_FALSE(plain.gated || plain.causal);
  const NetworkConfig gated = read_network(R"({"model_type":"t5","feed_forward_proj":"gated-gelu",
      "relative_attention_num_buckets":16,"relative_attention_max_distance":40})");
  EXPECT_TRUE(gated.gated);
  EXPECT_EQ(gated.hidden_act, Activation::kGeluTanh);
  EXPECT_EQ(gated.distance_buckets, 16);
  EXPECT_EQ(gated.farthest_distance, 40);
  EXPECT_EQ(read_network(R"({"model_type":"t5","feed_forward_proj":"gated-silu"})").hidden_act, Activation::kSilu);
  expect_error(Code::kUnsupported, {"config.json: feed_forward_proj: got \"mish\""},
               [] { read_network(R"({"model_type":"t5","feed_forward_proj":"gated-mish"})"); });
  expect_error(Code::kFormat, {"relative_attention_num_buckets: got 32 and relative_attention_max_distance 8"},
               [] { read_network(R"({"model_type":"t5","relative_attention_max_distance":8})"); });
}

TEST(Families, GemmasLayersSeeOtherTokens) {
  const NetworkConfig causal = read_network(R"({"model_type":"gemma3_text","num_hidden_layers":7,"sliding_window":512,
      "rope_theta":900000.0,"rope_local_base_freq":9000.0,"rope_scaling":{"rope_type":"linear","factor":8.0},
      "query_pre_attn_scalar":64})");
  EXPECT_TRUE(causal.causal);
  EXPECT_EQ(causal.window, 511);
  EXPECT_EQ(causal.local_layers, (std::vector<bool>{true, true, true, true, true, false, true}));
  EXPECT_EQ(causal.rotation_theta, 900000);
  EXPECT_EQ(causal.local_rotation_theta, 9000);
  EXPECT_EQ(causal.rotation_scaling.kind, RotationScaling::Kind::kLinear);
  EXPECT_EQ(causal.local_rotation_scaling.kind, RotationScaling::Kind::kNone);
  EXPECT_EQ(causal.attention_scale, 0.125);
  const NetworkConfig both_ways = read_network(
      R"({"model_type":"gemma3_text","num_hidden_layers":1,"sliding_window":512,"use_bidirectional_attention":true})");
  EXPECT_FALSE(both_ways.causal);
  EXPECT_EQ(both_ways.window, 256);
  expect_error(Code::kUnsupported, {"config.json: attn_logit_softcapping: got 50.0, supported: null"},
               [] { read_network(R"({"model_type":"gemma3_text","attn_logit_softcapping":50.0})"); });
}

TEST(Families, DecodersScalingIsLost) {
  const NetworkConfig older =
      read_network(R"({"model_type":"qwen3","rope_theta":1000000,"max_position_embeddings":40960,
      "rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32768}})");
  EXPECT_EQ(older.rotation_theta, 1000000);
  EXPECT_EQ(older.rotation_scaling.kind, RotationScaling::Kind::kYarn);
  EXPECT_EQ(older.rotation_scaling.original_positions, 32768);
  const NetworkConfig newer = read_network(R"({"model_type":"mistral",
      "rope_parameters":{"rope_type":"linear","factor":2.0,"rope_theta":500.0}})");
  EXPECT_EQ(newer.rotation_theta, 500);
  EXPECT_EQ(newer.rotation_scaling.factor, 2);
  expect_error(Code::kUnsupported, {"config.json: rope_scaling: rope_type: got \"dynamic\", supported: default"},
               [] { read_network(R"({"model_type":"qwen2","rope_scaling":{"rope_type":"dynamic","factor":2.0}})"); });
}

TEST(Families, DecodersKeysThatContradictEachOtherAreTaken) {
  expect_error(Code::kFormat, {"config.json: num_attention_heads 6 is not a multiple of num_key_value_heads 4"},
               [] { read_network(R"({"model_type":"qwen3","num_attention_heads":6,"num_key_value_heads":4})"); });
  expect_error(Code::kFormat, {"heads of 7 numbers cannot be rotated in pairs: head_dim is 7"},
               [] { read_network(R"({"model_type":"mistral","head_dim":7})"); });
  expect_error(Code::kUnsupported, {"config.json: is_causal: got false, supported: true"},
               [] { read_network(R"({"model_type":"qwen2","is_causal":false})"); });
  expect_error(Code::kFormat, {"layer_types: 1: got \"sliding_attention\"", "names no sliding window"}, [] {
    read_network(
        R"({"model_type":"qwen3","num_hidden_layers":2,"layer_types":["full_attention","sliding_attention"]})");
  });
}

TEST(Families, DecoderThatForetellsIsPooledByItsMean) {
  EXPECT_EQ(read_family(R"({"model_type":"qwen3","architectures":["Qwen3ForCausalLM"]})").pooling, Pooling::kLast);
  EXPECT_EQ(read_family(R"({"model_type":"qwen3","architectures":["Qwen3Model"]})").pooling, Pooling::kMean);
  EXPECT_EQ(read_family(R"({"model_type":"qwen3"})").pooling, Pooling::kMean);
}

TEST(Families, NamelessFamilyIsGuessed) {
  expect_error(Code::kUnsupported, {"model_type: got \"mamba\"", "bert, roberta, camembert, xlm-roberta, electra"},
               [] { read_network(R"({"model_type":"mamba"})"); });
}

}  // namespace
}  // namespace emberline
