// SPDX-License-Identifier: Apache-2.0
// Decoders that serve as encoders, and T5, which shares their norms.
#include "model/family_rows.h"

namespace emberline {
namespace {

// What Qwen, Mistral and Gemma have in common: RMS norms first, rotary positions, gated feed-forwards, heads of keys
// that several heads of queries share, and no token that sees another behind it.
Family decoder(const char* model_type) {
  Family family = {.defaults = base_network(model_type),
                   .keys = {.num_key_value_heads = "num_key_value_heads",
                            .head_size = "head_dim",
                            .type_vocab_size = nullptr,
                            .layer_norm_eps = "rms_norm_eps",
                            .window = "sliding_window"}};
  family.scales_rotation = true;
  family.expected = {{"is_causal", "true"}};
  NetworkConfig& network = family.defaults;
  network.hidden_size = 4096;
  network.num_hidden_layers = 32;
  network.num_attention_heads = 32;
  network.max_position_embeddings = 32768;
  network.rotation_theta = 10000;
  network.causal = true;
  network.is_decoder = true;
  network.norms_first = true;
  network.rms_norms = true;
  network.gated = true;
  network.norm_bias = false;
  leave_out_biases(network);
  network.type_vocab_size = 0;
  network.layer_norm_eps = 1e-6F;
  network.hidden_act = Activation::kSilu;
  network.tensors = {.prefix = "model.",
                     .words = "embed_tokens",
                     .positions = nullptr,
                     .types = nullptr,
                     .embedding_norm = nullptr,
                     .layer = "layers.{layer}.",
                     .query = "self_attn.q_proj",
                     .key = "self_attn.k_proj",
                     .value = "self_attn.v_proj",
                     .attention_output = "self_attn.o_proj",
                     .up = "mlp.up_proj",
                     .gate = "mlp.gate_proj",
                     .down = "mlp.down_proj",
                     .begin_norm = "input_layernorm",
                     .middle_norm = "post_attention_layernorm",
                     .final_norm = "norm"};
  return family;
}

Family qwen2() {
  Family family = decoder("qwen2");
  family.local = {LocalLayers::Rule::kFromNOn, "max_window_layers", 28, "use_sliding_window", 4096};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 151936;
  network.num_key_value_heads = 32;
  network.intermediate_size = 22016;
  network.query_bias = true;
  return family;
}

// Without biases, but with norms of the heads of queries and keys.
Family qwen3() {
  Family family = qwen2();
  family.keys.attention_bias = "attention_bias";
  NetworkConfig& network = family.defaults;
  network.model_type = "qwen3";
  network.head_size = 128;
  network.query_bias = false;
  network.tensors.query_norm = "self_attn.q_norm";
  network.tensors.key_norm = "self_attn.k_norm";
  return family;
}

Family mistral() {
  Family family = decoder("mistral");
  family.local = {LocalLayers::Rule::kAll, nullptr, 0, nullptr, 4096};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 32000;
  network.num_key_value_heads = 8;
  network.intermediate_size = 14336;
  network.max_position_embeddings = 131072;
  return family;
}

// RMS norms first as in the decoders, and MPNet's bias by distance; scores are not scaled, and nothing has a bias.
Family t5() {
  Family family = {.defaults = base_network("t5"),
                   .keys = {.hidden_size = "d_model",
                            .num_hidden_layers = "num_layers",
                            .num_attention_heads = "num_heads",
                            .head_size = "d_kv",
                            .intermediate_size = "d_ff",
                            .max_position_embeddings = nullptr,
                            .distance_buckets = "relative_attention_num_buckets",
                            .farthest_distance = "relative_attention_max_distance",
                            .type_vocab_size = nullptr,
                            .layer_norm_eps = "layer_norm_epsilon",
                            .hidden_act = nullptr,
                            .feed_forward = "feed_forward_proj"}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 32128;
  network.hidden_size = 512;
  network.num_hidden_layers = 6;
  network.num_attention_heads = 8;
  network.head_size = 64;
  network.attention_scale = 1;
  network.intermediate_size = 2048;
  network.max_position_embeddings = 32768;  // of the table of biases; the network itself knows no end
  network.distance_buckets = 32;
  network.norms_first = true;
  network.rms_norms = true;
  network.norm_bias = false;
  leave_out_biases(network);
  network.type_vocab_size = 0;
  network.layer_norm_eps = 1e-6F;
  network.hidden_act = Activation::kRelu;
  network.tensors = {.prefix = "transformer.",
                     .words = "shared",
                     .other_words = "encoder.embed_tokens",
                     .positions = nullptr,
                     .types = nullptr,
                     .embedding_norm = nullptr,
                     .distance_bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
                     .layer = "encoder.block.{layer}.",
                     .query = "layer.0.SelfAttention.q",
                     .key = "layer.0.SelfAttention.k",
                     .value = "layer.0.SelfAttention.v",
                     .attention_output = "layer.0.SelfAttention.o",
                     .up = "layer.1.DenseReluDense.wi",
                     .gate = "layer.1.DenseReluDense.wi_0",
                     .gated_up = "layer.1.DenseReluDense.wi_1",
                     .down = "layer.1.DenseReluDense.wo",
                     .begin_norm = "layer.0.layer_norm",
                     .middle_norm = "layer.1.layer_norm",
                     .final_norm = "encoder.final_layer_norm"};
  return family;
}

// Two more norms a layer, norms that multiply by 1 + their weight, scaled embeddings, and local layers with angles of
// their own.
Family gemma3() {
  Family family = decoder("gemma3_text");
  family.keys.attention_divisor = "query_pre_attn_scalar";
  family.keys.hidden_act = "hidden_activation";
  family.keys.local_rotation_theta = "rope_local_base_freq";
  family.keys.bidirectional = "use_bidirectional_attention";
  family.keys.attention_bias = "attention_bias";
  family.local = {LocalLayers::Rule::kAllButLastOfN, "sliding_window_pattern", 6, nullptr, 4096};
  family.expected.push_back({"attn_logit_softcapping", "null"});
  NetworkConfig& network = family.defaults;
  network.vocab_size = 262208;
  network.hidden_size = 2304;
  network.num_hidden_layers = 26;
  network.num_attention_heads = 8;
  network.num_key_value_heads = 4;
  network.head_size = 256;
  network.attention_scale = 1.0 / 16;
  network.intermediate_size = 9216;
  network.max_position_embeddings = 131072;
  network.rotation_theta = 1000000;
  network.local_rotation_theta = 10000;
  network.gain_from_one = true;
  network.scaled_words = true;
  network.hidden_act = Activation::kGeluTanh;
  network.tensors.query_norm = "self_attn.q_norm";
  network.tensors.key_norm = "self_attn.k_norm";
  network.tensors.attention_norm = "post_attention_layernorm";
  network.tensors.middle_norm = "pre_feedforward_layernorm";
  network.tensors.feed_forward_norm = "post_feedforward_layernorm";
  return family;
}

}  // namespace

std::vector<Family> decoder_families() {
  return {qwen2(), qwen3(), mistral(), t5(), gemma3()};
}

}  // namespace emberline
