// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the tensors of a family lie: names as its reference saves them, plain data.

namespace emberline {

// BERT's names are the defaults, so that a family's row says what differs. ".weight" and ".bias" follow each name. Null
// where a family has no such tensor.
struct TensorLayout {
  const char* prefix = "bert.";  // before every name where the network was saved together with a task's head
  const char* words = "embeddings.word_embeddings";
  const char* other_words = nullptr;     // another name of `words`, which checkpoints may have in its place
  const char* words_ending = ".weight";  // behind `words` alone
  const char* positions = "embeddings.position_embeddings";
  const char* types = "embeddings.token_type_embeddings";
  const char* embedding_norm = "embeddings.LayerNorm";  // null: the first norm is that before the first attention
  const char* embedding_projection = nullptr;           // [hidden_size, embedding_size]
  const char* distance_bias = nullptr;                  // [distance_buckets, num_heads]
  const char* relative_positions = nullptr;             // [2 * span, hidden_size]
  const char* relative_norm = nullptr;

  // Before each of the names below: {layer} is the layer's number, {set} and {place} say which shared weights it takes.
  const char* layer = "encoder.layer.{layer}.";
  const char* query = "attention.self.query";
  const char* key = "attention.self.key";
  const char* value = "attention.self.value";
  const char* query_key_value = nullptr;  // in place of these three: one tensor, in that order
  const char* query_norm = nullptr;       // [head_dim]: norms of the heads of queries and keys
  const char* key_norm = nullptr;
  const char* relative_query = nullptr;  // where relative positions have products of their own
  const char* relative_key = nullptr;
  const char* attention_output = "attention.output.dense";
  const char* up = "intermediate.dense";
  const char* gate = nullptr;         // [ffn, hidden]: the activated one of a gated feed-forward's inner products
  const char* gated_up = nullptr;     // `up` beside a gate, where it has another name then
  const char* gate_and_up = nullptr;  // in place of both: one tensor, in that order,
  const char* up_and_gate = nullptr;  // or the other way round
  const char* down = "output.dense";
  const char* router = nullptr;        // [num_experts, hidden] of layers with experts, in place of `up` and `down`:
  const char* experts_up = nullptr;    // [num_experts * ffn, hidden], the whole name
  const char* experts_down = nullptr;  // the same
  const char* experts_bias = nullptr;  // [hidden]
  const char* begin_norm = nullptr;    // before attention, where norms come first; none behind an embedding_norm
  const char* middle_norm = "attention.output.LayerNorm";  // between attention and feed-forward
  const char* end_norm = "output.LayerNorm";               // behind the feed-forward, where norms come last
  const char* attention_norm = nullptr;     // of what attention and feed-forward give, before it is added to the
  const char* feed_forward_norm = nullptr;  // hidden state

  // Outside of the layers again: the norm of the last hidden state, where norms come first.
  const char* final_norm = nullptr;
};

}  // namespace emberline
