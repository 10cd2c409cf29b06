// SPDX-License-Identifier: Apache-2.0
// BERT and those that differ from it by a table, a name or a bias.
#include "model/family_rows.h"

namespace emberline {
namespace {

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

Family bert() {
  return {.defaults = base_network("bert"), .keys = {}, .classifier = {.dense = "bert.pooler.dense"}};
}

// BERT whose position table has rows in front that no token of a text takes.
Family roberta(const char* model_type, int64_t vocab_size) {
  Family family = {.defaults = base_network(model_type), .keys = {.padding_position = "pad_token_id"}};
  family.defaults.vocab_size = vocab_size;
  family.defaults.padding_position = 1;
  family.defaults.tensors.prefix = "roberta.";
  family.classifier = {.dense = "classifier.dense", .scores = "classifier.out_proj"};
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
  family.classifier = {.dense = "classifier.dense", .scores = "classifier.out_proj", .activation = Activation::kGelu};
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
  family.classifier = {.dense = "pre_classifier", .activation = Activation::kRelu};
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
  family.classifier = {.dense = "albert.pooler"};
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
  family.classifier = {.dense = "classifier.dense", .scores = "classifier.out_proj"};
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
  family.classifier = {.dense = "pooler.dense", .activation = Activation::kGelu, .activation_key = "pooler_hidden_act"};
  return family;
}

}  // namespace

std::vector<Family> bert_families() {
  return {published_jina_bert(),
          bert(),
          roberta("roberta", 50265),
          roberta("camembert", 30522),
          roberta("xlm-roberta", 30522),
          electra(),
          distilbert(),
          albert(),
          mpnet(),
          deberta_v2()};
}

}  // namespace emberline
