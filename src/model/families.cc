// SPDX-License-Identifier: Apache-2.0
#include "model/families.h"

#include <string>

#include "base/error.h"

namespace emberline {
namespace {

// The shape of BERT-base, which most configuration classes begin with.
NetworkConfig base_network(const char* model_type) {
  return {.model_type = model_type,
          .vocab_size = 30522,
          .hidden_size = 768,
          .num_hidden_layers = 12,
          .num_attention_heads = 12,
          .intermediate_size = 3072,
          .max_position_embeddings = 512,
          .type_vocab_size = 2};
}

Family bert() {
  return {.defaults = base_network("bert"), .keys = {}};
}

// JinaBERT v2 as its authors publish it: BERT whose attention sees how far apart two tokens are, with gated
// feed-forwards.
Family published_jina_bert() {
  Family family = {.defaults = base_network("bert"),
                   .keys = {.hidden_act = nullptr},
                   .marker = "position_embedding_type",
                   .marker_value = "alibi",
                   .position_embedding_type = "alibi",
                   .expected = {{"feed_forward_type", "\"geglu\""}}};
  NetworkConfig& network = family.defaults;
  network.distance_slopes = true;
  network.gated = true;
  network.up_bias = false;
  network.tensors = {
      .positions = nullptr, .gate_and_up = "mlp.gated_layers", .down = "mlp.wo", .end_norm = "mlp.layernorm"};
  return family;
}

// BERT whose position table has rows in front that no token of a text takes.
Family roberta(const char* model_type, int64_t vocab_size) {
  Family family = {.defaults = base_network(model_type), .keys = {.padding_position = "pad_token_id"}};
  family.defaults.vocab_size = vocab_size;
  family.defaults.padding_position = 1;
  family.defaults.tensors.prefix = "roberta.";
  return family;
}

Family electra() {
  Family family = {.defaults = base_network("electra"), .keys = {.embedding_size = "embedding_size"}};
  NetworkConfig& network = family.defaults;
  network.embedding_size = 128;
  network.embedding_projection = EmbeddingProjection::kWhereWidthsDiffer;
  network.hidden_size = 256;
  network.num_attention_heads = 4;
  network.intermediate_size = 1024;
  network.tensors.prefix = "electra.";
  network.tensors.embedding_projection = "embeddings_project";
  return family;
}

Family distilbert() {
  Family family = {.defaults = base_network("distilbert"),
                   .keys = {.hidden_size = "dim",
                            .num_hidden_layers = "n_layers",
                            .num_attention_heads = "n_heads",
                            .intermediate_size = "hidden_dim",
                            .type_vocab_size = nullptr,
                            .layer_norm_eps = nullptr,
                            .hidden_act = "activation"}};
  family.defaults.num_hidden_layers = 6;
  family.defaults.type_vocab_size = 0;
  family.defaults.tensors = {.prefix = "distilbert.",
                             .types = nullptr,
                             .layer = "transformer.layer.{layer}.",
                             .query = "attention.q_lin",
                             .key = "attention.k_lin",
                             .value = "attention.v_lin",
                             .attention_output = "attention.out_lin",
                             .up = "ffn.lin1",
                             .down = "ffn.lin2",
                             .middle_norm = "sa_layer_norm",
                             .end_norm = "output_layer_norm"};
  return family;
}

// Narrow tables, and few sets of weights that many layers take.
Family albert() {
  Family family = {.defaults = base_network("albert"),
                   .keys = {.embedding_size = "embedding_size",
                            .num_layer_sets = "num_hidden_groups",
                            .layers_per_set = "inner_group_num"}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 30000;
  network.embedding_size = 128;
  network.embedding_projection = EmbeddingProjection::kAlways;
  network.hidden_size = 4096;
  network.num_layer_sets = 1;
  network.num_attention_heads = 64;
  network.intermediate_size = 16384;
  network.hidden_act = Activation::kGeluTanh;
  network.tensors = {.prefix = "albert.",
                     .embedding_projection = "encoder.embedding_hidden_mapping_in",
                     .layer = "encoder.albert_layer_groups.{set}.albert_layers.{place}.",
                     .query = "attention.query",
                     .key = "attention.key",
                     .value = "attention.value",
                     .attention_output = "attention.dense",
                     .up = "ffn",
                     .down = "ffn_output",
                     .middle_norm = "attention.LayerNorm",
                     .end_norm = "full_layer_layer_norm"};
  return family;
}

// BERT without types, whose attention also sees how far apart two tokens are.
Family mpnet() {
  Family family = {.defaults = base_network("mpnet"),
                   .keys = {.distance_buckets = "relative_attention_num_buckets", .type_vocab_size = nullptr}};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 30527;
  network.padding_position = 1;  // whatever pad_token_id says
  network.distance_buckets = 32;
  network.type_vocab_size = 0;
  network.tensors = {.prefix = "mpnet.",
                     .types = nullptr,
                     .distance_bias = "encoder.relative_attention_bias",
                     .query = "attention.attn.q",
                     .key = "attention.attn.k",
                     .value = "attention.attn.v",
                     .attention_output = "attention.attn.o",
                     .middle_norm = "attention.LayerNorm"};
  return family;
}

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
  network.query_bias = false;
  network.attention_output_bias = false;
  network.up_bias = false;
  network.down_bias = false;
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
  network.query_bias = false;
  network.attention_output_bias = false;
  network.up_bias = false;
  network.down_bias = false;
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
  network.norms_first = true;
  network.rms_norms = true;
  network.gated = true;
  network.norm_bias = false;
  network.query_bias = false;
  network.attention_output_bias = false;
  network.up_bias = false;
  network.down_bias = false;
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
  network.query_bias = false;
  network.attention_output_bias = false;
  network.up_bias = false;
  network.down_bias = false;
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

// BERT whose attention also multiplies queries and keys by a table of relative positions.
Family deberta_v2() {
  Family family = {.defaults = base_network("deberta-v2"), .keys = {}, .has_relative_positions = true};
  NetworkConfig& network = family.defaults;
  network.vocab_size = 128100;
  network.hidden_size = 1536;
  network.num_hidden_layers = 24;
  network.num_attention_heads = 24;
  network.intermediate_size = 6144;
  network.type_vocab_size = 0;
  network.layer_norm_eps = 1e-7F;
  network.tensors = {.prefix = "deberta.",
                     .relative_positions = "encoder.rel_embeddings",
                     .relative_norm = "encoder.LayerNorm",
                     .query = "attention.self.query_proj",
                     .key = "attention.self.key_proj",
                     .value = "attention.self.value_proj",
                     .relative_query = "attention.self.pos_query_proj",
                     .relative_key = "attention.self.pos_key_proj"};
  return family;
}

// RoBERTa with rotary positions; adapters for single tasks lie in folders of their own, which nothing reads.
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
  return family;
}

// Of two rows of one name the one with a marker comes first.
const Family kFamilies[] = {
    published_jina_bert(),
    bert(),
    roberta("roberta", 50265),
    roberta("camembert", 30522),
    roberta("xlm-roberta", 30522),
    electra(),
    distilbert(),
    albert(),
    mpnet(),
    modernbert(),
    published_nomic_moe(),
    published_nomic_bert(),
    nomic_bert(),
    published_gte("gte", "pack_qkv"),
    gte(),
    qwen2(),
    qwen3(),
    mistral(),
    t5(),
    gemma3(),
    published_gte("new", nullptr),
    deberta_v2(),
    jina_embeddings_v3(),
};

bool is_meant(const JsonValue& file, const Family& family) {
  if (family.marker == nullptr) return true;
  const auto value = file.find(family.marker);
  if (!value || family.marker_value == nullptr) return value.has_value();
  return value->is_text() && value->text() == family.marker_value;
}

}  // namespace

const Family& find_family(const JsonValue& file) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.marker == nullptr) known += (known.empty() ? "" : ", ") + family.defaults.model_type;
  }
  const auto value = file.find("model_type");
  check(value.has_value(), Code::kFormat, "{}: key model_type is missing, supported: {}", file.where(), known);
  const std::string name = value->text();
  for (const Family& family : kFamilies) {
    if (family.defaults.model_type == name && is_meant(file, family)) return family;
  }
  fail(Code::kUnsupported, "{}: got \"{}\", supported: {}", value->where(), name, known);
}

}  // namespace emberline
