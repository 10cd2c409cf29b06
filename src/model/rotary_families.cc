// SPDX-License-Identifier: Apache-2.0
// Encoders that turn queries and keys by their positions.
#include "model/family_rows.h"

namespace emberline {
namespace {

// Norms first, rotary positions, gated feed-forwards, and local attention in two layers of three.
Family modernbert() {
  Family family = {.defaults = base_network("modernbert"),
                   .keys = {.type_vocab_size = nullptr,
                            .layer_norm_eps = "norm_eps",
                            .hidden_act = "hidden_activation",
                            .rotation_theta = "global_rope_theta",
                            .local_rotation_theta = "local_rope_theta",
                            .window = "local_attention",
                            .norm_bias = "norm_bias",
                            .attention_bias = "attention_bias",
                            .up_bias = "mlp_bias",
                            .down_bias = "mlp_bias"}};
  family.local = {LocalLayers::Rule::kAllButFirstOfN, "global_attn_every_n_layers", 3, nullptr, 128};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 50368;
  network.num_hidden_layers = 22;
  network.intermediate_size = 1152;
  network.max_position_embeddings = 8192;
  network.rotation_theta = 160000;
  network.local_rotation_theta = 10000;
  network.norms_first = true;
  network.gated = true;
  network.norm_bias = false;
  leave_out_biases(network);
  network.type_vocab_size = 0;
  network.layer_norm_eps = 1e-5F;
  network.tensors = {.prefix = "model.",
                     .words = "embeddings.tok_embeddings",
                     .positions = nullptr,
                     .types = nullptr,
                     .embedding_norm = "embeddings.norm",
                     .layer = "layers.{layer}.",
                     .query_key_value = "attn.Wqkv",
                     .attention_output = "attn.Wo",
                     .gate_and_up = "mlp.Wi",
                     .down = "mlp.Wo",
                     .begin_norm = "attn_norm",
                     .middle_norm = "mlp_norm",
                     .final_norm = "final_norm"};
  family.classifier = {.dense = "head.dense",
                       .norm = "head.norm",
                       .activation = Activation::kGelu,
                       .activation_key = "classifier_activation",
                       .pooling_key = "classifier_pooling",
                       .bias_key = "classifier_bias"};
  return family;
}

// BERT with rotary positions and gated feed-forwards.
NetworkConfig rotary_network(const char* model_type) {
  NetworkConfig network = base_network(model_type);
  network.rotation_theta = 10000;
  network.gated = true;
  network.tensors.positions = nullptr;
  return network;
}

Family nomic_bert() {
  Family family = {.defaults = rotary_network("nomic_bert"), .keys = {}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 30528;
  network.max_position_embeddings = 2048;
  network.rotation_theta = 1000;
  network.hidden_act = Activation::kSilu;
  leave_out_biases(network);
  network.tensors = {.prefix = "nomic_bert.",
                     .positions = nullptr,
                     .embedding_norm = "emb_ln",
                     .layer = "encoder.layers.{layer}.",
                     .query_key_value = "attn.Wqkv",
                     .attention_output = "attn.out_proj",
                     .up = "mlp.fc11",
                     .gate = "mlp.fc12",
                     .down = "mlp.fc2",
                     .middle_norm = "norm1",
                     .end_norm = "norm2"};
  return family;
}

// The same as its authors publish it, for their own code.
Family published_nomic_bert() {
  Family family = nomic_bert();
  family.marker = "n_embd";
  family.keys = {.hidden_size = "n_embd",
                 .num_hidden_layers = "n_layer",
                 .num_attention_heads = "n_head",
                 .intermediate_size = "n_inner",
                 .max_position_embeddings = "n_positions",
                 .layer_norm_eps = "layer_norm_epsilon",
                 .hidden_act = nullptr,
                 .rotation_theta = "rotary_emb_base",
                 .attention_bias = "qkv_proj_bias",
                 .up_bias = "mlp_fc1_bias",
                 .down_bias = "mlp_fc2_bias"};
  family.expected = {{"activation_function", "\"swiglu\""},
                     {"prenorm", "false"},
                     {"use_rms_norm", "false"},
                     {"rotary_emb_fraction", "1.0"},
                     {"rotary_emb_interleaved", "false"},
                     {"rotary_scaling_factor", "null"},
                     {"moe_every_n_layers", "0"},
                     {"parallel_block", "false"}};
  return family;
}

// Its second version, whose every other layer has experts.
Family published_nomic_moe() {
  Family family = published_nomic_bert();
  family.marker = "activation_function";
  family.marker_value = "gelu";
  family.keys.expert_interval = "moe_every_n_layers";
  family.keys.num_experts = "num_experts";
  family.keys.experts_of_token = "moe_top_k";
  family.expected = {{"prenorm", "false"},
                     {"use_rms_norm", "false"},
                     {"rotary_emb_fraction", "1.0"},
                     {"rotary_emb_interleaved", "false"},
                     {"rotary_scaling_factor", "null"},
                     {"moe_normalize_expert_weights", "false"},
                     {"num_shared_experts", "0"},
                     {"expert_choice_router", "false"},
                     {"parallel_block", "false"}};
  NetworkConfig& network = family.defaults;
  network.gated = false;
  network.hidden_act = Activation::kGelu;
  network.num_experts = 8;
  network.experts_of_token = 2;
  network.tensors.up = "mlp.fc1";
  network.tensors.gate = nullptr;
  network.tensors.router = "mlp.router.layer";
  network.tensors.experts_up = "mlp.experts.mlp.w1";
  network.tensors.experts_down = "mlp.experts.mlp.w2";
  network.tensors.experts_bias = "mlp.experts.bias";
  return family;
}

Family gte() {
  Family family = {.defaults = rotary_network("gte"), .keys = {}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 250048;
  network.max_position_embeddings = 8192;
  network.rotation_theta = 160000;
  network.type_vocab_size = 1;
  network.up_bias = false;
  network.tensors = {.prefix = "gte.",
                     .positions = nullptr,
                     .query_key_value = "attention.qkv_proj",
                     .attention_output = "attention.o_proj",
                     .up_and_gate = "mlp.up_gate_proj",
                     .down = "mlp.down_proj",
                     .middle_norm = "attn_ln",
                     .end_norm = "mlp_ln"};
  return family;
}

// The same as its authors publish it, for their own code: once as "new", later under its name.
Family published_gte(const char* model_type, const char* marker) {
  Family family = gte();
  family.keys.ntk_scaling = "rope_scaling";
  family.marker = marker;
  family.position_embedding_type = "rope";
  family.expected = {{"layer_norm_type", "\"layer_norm\""}, {"pack_qkv", "true"}, {"logn_attention_scale", "false"}};
  NetworkConfig& network = family.defaults;
  network.model_type = model_type;
  network.vocab_size = 30528;
  network.max_position_embeddings = 2048;
  network.rotation_theta = 10000;
  network.tensors.prefix = "new.";
  return family;
}

// How transformers' class names what it saves as its authors do.
constexpr TensorLayout kJinaClassNames = {.layer = "layers.{layer}.",
                                          .query = "self_attn.q_proj",
                                          .key = "self_attn.k_proj",
                                          .value = "self_attn.v_proj",
                                          .attention_output = "self_attn.o_proj",
                                          .up = "mlp.fc1",
                                          .down = "mlp.fc2"};

// RoBERTa with rotary positions, and adapters for single tasks.
Family jina_embeddings_v3() {
  Family family = {.defaults = base_network("jina_embeddings_v3"), .keys = {}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 250002;
  network.hidden_size = 1024;
  network.num_hidden_layers = 24;
  network.num_attention_heads = 16;
  network.intermediate_size = 4096;
  network.max_position_embeddings = 8194;
  network.rotation_theta = 20000;
  network.type_vocab_size = 1;
  network.layer_norm_eps = 1e-5F;
  network.tensors = {.prefix = "roberta.",
                     .positions = nullptr,
                     .embedding_norm = "emb_ln",
                     .layer = "encoder.layers.{layer}.",
                     .query_key_value = "mixer.Wqkv",
                     .attention_output = "mixer.out_proj",
                     .up = "mlp.fc1",
                     .down = "mlp.fc2",
                     .middle_norm = "norm1",
                     .end_norm = "norm2"};
  network.class_names = &kJinaClassNames;
  return family;
}

// The same as its authors publish it, for their own code: a kind of XLM-RoBERTa by name.
Family published_jina_embeddings_v3() {
  Family family = jina_embeddings_v3();
  family.defaults.model_type = "xlm-roberta";
  family.defaults.rotation_theta = 10000;
  family.keys.rotation_theta = "rotary_emb_base";
  family.marker = "position_embedding_type";
  family.marker_value = "rotary";
  family.position_embedding_type = "rotary";
  family.expected = {{"use_reg_tokens", "false"}, {"emb_pooler", "null"}};
  family.has_own_transformer = true;
  return family;
}

}  // namespace

std::vector<Family> rotary_families() {
  return {modernbert(),
          published_nomic_moe(),
          published_nomic_bert(),
          nomic_bert(),
          published_gte("gte", "pack_qkv"),
          gte(),
          published_gte("new", nullptr),
          published_jina_embeddings_v3(),
          jina_embeddings_v3()};
}

}  // namespace emberline
