// SPDX-License-Identifier: Apache-2.0
#pragma once
// The families of networks, as data: what their configuration classes take for granted, how they spell its keys and
// their tensors. A family is a row of one of the *_families.cc; nothing else asks for a model's name.
#include <string>
#include <vector>

#include "model/config.h"
#include "model/json_value.h"

namespace emberline {

// Keys of config.json. Null where a family has none: then its default stands.
struct ConfigKeys {
  const char* hidden_size = "hidden_size";
  const char* embedding_size = nullptr;
  const char* num_hidden_layers = "num_hidden_layers";
  const char* num_layer_sets = nullptr;
  const char* layers_per_set = nullptr;
  const char* num_attention_heads = "num_attention_heads";
  const char* num_key_value_heads = nullptr;
  const char* head_size = nullptr;
  const char* attention_divisor = nullptr;  // scores are divided by its square root
  const char* intermediate_size = "intermediate_size";
  const char* max_position_embeddings = "max_position_embeddings";
  const char* padding_position = nullptr;
  const char* distance_buckets = nullptr;
  const char* farthest_distance = nullptr;
  const char* type_vocab_size = "type_vocab_size";
  const char* layer_norm_eps = "layer_norm_eps";
  const char* hidden_act = "hidden_act";
  const char* rotation_theta = "rope_theta";
  const char* local_rotation_theta = nullptr;
  const char* ntk_scaling = nullptr;    // {"type": "ntk", "factor": 2.0}
  const char* window = nullptr;         // tokens that a token of a local layer sees, itself among them
  const char* bidirectional = nullptr;  // in place of causal attention
  const char* feed_forward = nullptr;   // the activation's name, behind "gated-" where there is a gate
  const char* norm_bias = nullptr;
  const char* expert_interval = nullptr;
  const char* num_experts = nullptr;
  const char* experts_of_token = nullptr;
  const char* attention_bias = nullptr;
  const char* up_bias = nullptr;
  const char* down_bias = nullptr;
};

// A key whose other values stand for mechanics that are not there.
struct ExpectedValue {
  const char* key;
  const char* shown;  // as JSON: "false"
};

// Which of a family's layers are local where config.json has no layer_types; n is what `number_key` says.
struct LocalLayers {
  enum class Rule { kNone, kAllButFirstOfN, kAllButLastOfN, kFromNOn, kAll } rule = Rule::kNone;
  const char* number_key = nullptr;
  int64_t number = 0;
  const char* switch_key = nullptr;  // a boolean without which no layer is local; null for none
  int64_t window = 0;                // what ConfigKeys::window says by default
};

// What ClassifierConfig is in a family. Names are whole, the network's prefix among them.
struct ClassifierLayout {
  const char* dense = nullptr;  // null: the family's head is not known here
  const char* norm = nullptr;
  const char* scores = "classifier";
  Activation activation = Activation::kTanh;
  const char* activation_key = nullptr;
  const char* pooling_key = nullptr;  // "cls" or "mean"; null: always cls
  const char* bias_key = nullptr;     // whether the dense layer has one, which it has not by default; null: it has
};

struct Family {
  NetworkConfig defaults;
  ConfigKeys keys;
  LocalLayers local = {};
  ClassifierLayout classifier = {};
  const char* marker = nullptr;  // only a config.json with this key is meant, where two spell their keys differently
  const char* marker_value = nullptr;  // and, where this is not null, with this text there
  const char* position_embedding_type = "absolute";
  std::vector<ExpectedValue> expected = {};
  bool scales_rotation = false;  // angles may be scaled as rope_scaling says
  bool has_relative_positions = false;
  bool has_own_transformer = false;  // modules.json may name code beside the model, which does what is here
};

// The family that config.json's model_type names. Throws Error(kFormat | kUnsupported) that lists the known ones.
const Family& find_family(const JsonValue& file);

// Model types whose heads are known: "albert, bert, ...".
std::string families_with_classifiers();

}  // namespace emberline
