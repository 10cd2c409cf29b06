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

#include "backend/ops.h"
#include "model/rotation_scaling.h"
#include "model/tensor_layout.h"

namespace emberline {

// Tokens of one text where nothing limits them: far more than any row holds.
inline constexpr int64_t kNoTokenLimit = 1 << 24;

// Whether a layer stands between the embeddings and the first hidden state.
enum class EmbeddingProjection { kNone, kWhereWidthsDiffer, kAlways };

// A table of relative positions that scores see as they see tokens (disentangled attention).
struct RelativePositions {
  int64_t span = 0;              // rows on either side of distance 0; 0 for no table
  int64_t num_buckets = 0;       // that distances share, on either side; 0 where each has a row
  int64_t farthest = 0;          // the last bucket ends before this distance
  bool by_query = false;         // queries are multiplied by the table's keys,
  bool by_key = false;           // keys by its queries
  bool shares_products = false;  // these come of the table by the products that make tokens' queries and keys
  bool is_normed = false;        // the table goes through a layer norm first
};

// A branch of a network that reads tokens in groups of neighbours.
struct Ngrams {
  int64_t size = 0;    // tokens of a group
  int64_t before = 0;  // of them that stand before the token that the group belongs to
};

// The transformer itself. A family is a row of one of the *_families.cc; differences between families are fields here.
struct NetworkConfig {
  std::string model_type;  // "bert"
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t embedding_size = 0;  // columns of the embedding tables; hidden_size where a family does not tell them apart
  EmbeddingProjection embedding_projection = EmbeddingProjection::kNone;
  int64_t num_hidden_layers = 0;  // that run one after the other
  // Where layers share weights: sets that the layers are divided into, each of layers_per_set; 0 where none are shared.
  int64_t num_layer_sets = 0;
  int64_t layers_per_set = 1;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;  // each serves several heads of queries; 0 for one each
  int64_t head_size = 0;            // numbers of a head; 0 for hidden_size / num_attention_heads
  double attention_scale = 0;       // what scores are multiplied by; 0 for 1 / sqrt(head_dim)
  bool causal = false;              // a token sees none behind it
  bool is_decoder = false;          // made to foretell tokens; int8 must come closer to f32 then
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;
  // Rows of the position table begin behind this one, and a token of this id stays on it; -1 where they begin at 0.
  int64_t padding_position = -1;
  int64_t distance_buckets = 0;     // of what attention adds to scores by the distance of two tokens; 0 for nothing
  int64_t farthest_distance = 128;  // distances from here on share a bucket
  RelativePositions relative = {};
  bool distance_slopes = false;  // attention takes a multiple of their distance from scores, each head its own (ALiBi)
  // Rotary positions: frequencies fall as powers of this; 0 for none. Local layers have a frequency of their own.
  double rotation_theta = 0;
  double local_rotation_theta = 0;  // 0 where it is the same
  RotationScaling rotation_scaling = {};
  RotationScaling local_rotation_scaling = {};
  int64_t window = 0;                   // tokens on either side that a token of a local layer sees
  std::vector<bool> local_layers = {};  // [num_hidden_layers]; empty where all layers see all tokens
  bool norms_first = false;             // blocks norm what they read, not what they leave
  bool rms_norms = false;               // norms divide by the root mean square, and take away and add nothing
  bool gain_from_one = false;           // norms multiply by 1 + their weight
  bool scaled_words = false;            // embeddings of words are multiplied by sqrt(hidden_size)
  bool gated = false;  // the feed-forward has two inner products, one activated and multiplied by the other
  // Every so many layers, but not the first of them, have experts in place of one feed-forward; 0 where none has.
  int64_t expert_interval = 0;
  int64_t num_experts = 0;
  int64_t experts_of_token = 0;
  // In place of layers: branches that read tokens with their neighbours, each as wide as ngram_features.
  std::vector<Ngrams> ngrams = {};
  int64_t ngram_features = 0;
  bool norm_bias = true;   // which products and norms add something of their own
  bool query_bias = true;  // of queries, keys and values
  bool attention_output_bias = true;
  bool up_bias = true;
  bool down_bias = true;
  int64_t type_vocab_size = 0;
  float layer_norm_eps = 1e-12F;
  Activation hidden_act = Activation::kGelu;
  TensorLayout tensors = {};
  // Names that the reference's class has for what its files call otherwise; null where they are the same. Adapters in
  // folders of their own are saved under these.
  const TensorLayout* class_names = nullptr;

  bool is_local(int64_t layer) const { return !local_layers.empty() && local_layers[static_cast<size_t>(layer)]; }
  bool has_experts(int64_t layer) const { return expert_interval > 0 && layer % expert_interval == 1; }
  int64_t head_dim() const { return head_size > 0 ? head_size : hidden_size / num_attention_heads; }
  int64_t query_size() const { return num_attention_heads * head_dim(); }
  int64_t key_size() const { return num_key_value_heads > 0 ? num_key_value_heads * head_dim() : query_size(); }
  // Layers that have weights of their own.
  int64_t num_stored_layers() const { return num_layer_sets > 0 ? num_layer_sets * layers_per_set : num_hidden_layers; }
  int64_t max_positions() const { return max_position_embeddings - padding_position - 1; }  // tokens of a sequence
  bool projects_embeddings() const {
    return embedding_projection == EmbeddingProjection::kAlways ||
           (embedding_projection == EmbeddingProjection::kWhereWidthsDiffer && embedding_size != hidden_size);
  }
};

// Low-rank adapters for single tasks, one of which may be merged into the weights as they are read.
struct TaskAdapters {
  // One tensor holds those of all tasks, beside the weights, or each task has a folder with a file of its own.
  enum class Layout { kNone, kStacked, kFolders } layout = Layout::kNone;
  std::vector<std::string> tasks;              // in the model's order
  int64_t rank = 0;                            // kStacked: of all of them
  double alpha = 0;                            // the same; what is added is multiplied by alpha / rank
  std::vector<std::filesystem::path> folders;  // kFolders: [tasks]
  std::optional<size_t> chosen;                // place in `tasks`; none for the plain model
};

// Two layers; the second sees the block's input and what the first made of it.
struct ResidualBlock {
  int64_t inner = 0;  // features of the first
  int64_t out_features = 0;
};

// A step after pooling, in the order of modules.json.
struct HeadStep {
  enum class Kind { kDense, kNormalize, kResidualBlocks } kind = Kind::kNormalize;
  std::filesystem::path directory;  // where its model.safetensors lies
  int64_t in_features = 0, out_features = 0;
  bool bias = true;
  Activation activation = Activation::kTanh;
  bool use_residual = false;               // kDense: adds its input, projected where the widths differ
  int64_t pooled_features = 0;             // kResidualBlocks: what in_features are projected to before the first block
  std::vector<ResidualBlock> blocks = {};  // kResidualBlocks
};

// What happens to a sequence's scores last. Softmax is over the labels of one sequence.
enum class ScoreActivation { kNone, kSigmoid, kSoftmax };

// The head of a class *ForSequenceClassification: a pooled hidden state, a dense layer, a norm where there is one, and
// a number for each label. Names of tensors are the checkpoint's, without their endings.
struct ClassifierConfig {
  std::string dense;
  std::string norm;  // empty for none
  std::string scores;
  Pooling pooling = Pooling::kCls;
  Activation activation = Activation::kTanh;
  bool dense_bias = true;
  bool norm_bias = true;
  float norm_eps = 0;
  int64_t num_labels = 0;
  ScoreActivation score_activation = ScoreActivation::kNone;
};

struct ModelConfig {
  std::filesystem::path directory;          // the model directory
  std::filesystem::path network_directory;  // where config.json and weights lie (modules.json's Transformer path)
  NetworkConfig network;
  std::string own_transformer;  // place of a module whose code lies beside the model; empty for none
  bool has_network =
      true;  // false: a table of tokens is all there is, and texts come as tokenizer.json alone cuts them
  bool drops_unknown = false;        // what the vocabulary lacks is left out of texts
  Pooling pooling = Pooling::kMean;  // without modules.json: mean, as sentence-transformers does
  int64_t pooling_width = 0;         // dimensions the pooling module was written for; 0 where it does not say
  bool include_prompt = true;        // pooling counts the prompt's tokens
  std::vector<HeadStep> head;        // empty without modules.json
  int64_t max_tokens = 0;            // max_seq_length, else the smaller of tokenizer and position limits
  bool lower_case_first = false;     // do_lower_case: lower-cases each character of the text outside special tokens
  std::map<std::string, std::string>
      prompts;  // "query" and "document" are always there, empty unless the model has them
  std::optional<std::string> default_prompt_name;
  TaskAdapters adapters;
  // For pairs of texts. Whether the weights have its tensors shows when they are read.
  std::optional<ClassifierConfig> classifier;
  std::string no_classifier = "the model has no transformer whose head could score pairs";  // where there is none
  bool has_vectors = true;            // false: a CrossEncoder's modules, which score pairs and make no vectors
  std::vector<std::string> warnings;  // contradictions that were settled, one sentence each
};

// Throws Error(kIo | kFormat | kUnsupported) that names the file, the key and both values.
ModelConfig read_model_config(const std::filesystem::path& directory);

}  // namespace emberline
