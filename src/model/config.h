// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a model directory says about the network, read once into plain data.
//
// Sources: config.json (key names as there), modules.json, <n>_Pooling/config.json, <n>_Dense/config.json,
// sentence_bert_config.json, config_sentence_transformers.json.
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace emberline {

// The transformer itself. A family is a row of the table in config.cc; differences between families are fields here.
struct NetworkConfig {
  std::string model_type;  // "bert"
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;
  int64_t type_vocab_size = 0;
  float layer_norm_eps = 1e-12F;
  Activation hidden_act = Activation::kGelu;
  int64_t head_dim() const { return hidden_size / num_attention_heads; }
};

// A step after pooling, in the order of modules.json.
struct HeadStep {
  enum class Kind { kDense, kNormalize } kind = Kind::kNormalize;
  std::filesystem::path directory;  // kDense: where its model.safetensors lies
  int64_t in_features = 0, out_features = 0;
  bool bias = true;
  Activation activation = Activation::kTanh;
  bool use_residual = false;  // kDense: adds its input, projected where the widths differ
};

struct ModelConfig {
  std::filesystem::path directory;          // the model directory
  std::filesystem::path network_directory;  // where config.json and weights lie (modules.json's Transformer path)
  NetworkConfig network;
  Pooling pooling = Pooling::kMean;  // without modules.json: mean, as sentence-transformers does
  int64_t pooling_width = 0;         // dimensions the pooling module was written for; 0 where it does not say
  bool include_prompt = true;        // pooling counts the prompt's tokens
  std::vector<HeadStep> head;        // empty without modules.json
  int64_t max_tokens = 0;            // max_seq_length, else the smaller of tokenizer and position limits
  bool lower_case_first = false;     // do_lower_case: lower-cases each character of the text outside special tokens
  std::map<std::string, std::string>
      prompts;  // "query" and "document" are always there, empty unless the model has them
  std::optional<std::string> default_prompt_name;
  std::vector<std::string> warnings;  // contradictions that were settled, one sentence each
};

// Throws Error(kIo | kFormat | kUnsupported) that names the file, the key and both values.
ModelConfig read_model_config(const std::filesystem::path& directory);

}  // namespace emberline
