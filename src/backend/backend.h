// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fused operations that a transformer encoder is made of: all that model/ knows of a device.
//
// A Backend is one device: it prepares weights once and hands out Streams. A Stream is one thread's ordered queue of
// operations with scratch memory of its own. Operations on a CPU stream are done when they return.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/ops.h"
#include "base/tensor.h"

namespace emberline {

// Device memory; freed on destruction, which must not outlive the backend.
class Buffer {
 public:
  virtual ~Buffer() = default;
  float* data() const { return data_; }
  int64_t size() const { return size_; }  // floats

 protected:
  float* data_ = nullptr;
  int64_t size_ = 0;
};

// Weights of one product, packed for the device's kernels. Immutable, shared by all streams.
class Linear {
 public:
  virtual ~Linear() = default;
  int64_t in_features = 0;
  int64_t out_features = 0;
};

// Several [out_features, in_features] matrices stacked along out_features (query, key and value become one product).
struct LinearPart {
  TensorView weight;               // [out_features, in_features]
  std::optional<TensorView> bias;  // [out_features]
};

struct NormWeights {
  std::unique_ptr<Buffer> gain;     // [hidden]
  std::unique_ptr<Buffer> bias;     // [hidden]
  std::unique_ptr<Buffer> factors;  // [hidden]: what the operand is multiplied by, column by column; null for 1
  float eps = 1e-12F;
  bool is_rms = false;  // rows are divided by their root mean square alone: no mean is taken away, and bias is null
};

// Rows as the products of a device read them (f32, bf16, int8 with a scale a row: its own affair): what norm and
// attention hand to the next product. Grows as it is written; belongs to one stream.
class Operand {
 public:
  virtual ~Operand() = default;
};

// Tables whose rows are summed to make a token's first hidden state. A family without positions or types leaves them
// null.
struct EmbeddingTables {
  std::unique_ptr<Buffer> words;      // [vocab, hidden]
  std::unique_ptr<Buffer> positions;  // [max_positions, hidden]
  std::unique_ptr<Buffer> types;      // [type_vocab, hidden]
  int64_t hidden = 0;
  float word_scale = 1;  // what rows of `words` are multiplied by
};

// The rows of DistanceTerms in a form of the device's own.
class PackedTerms {
 public:
  virtual ~PackedTerms() = default;
};

// What a query, a key or both add to their score by the distance between them: their products with a row that belongs
// to that distance (disentangled attention).
struct DistanceTerms {
  std::unique_ptr<Buffer> by_query;  // [rows, cols]: heads side by side, as queries have them; null for none
  std::unique_ptr<Buffer> by_key;    // the same for keys
  int64_t cols = 0;                  // num_heads * head_dim
  // [2 * reach + 1]: the row of a key that stands d tokens behind its query, d from -reach to reach, which no sequence
  // exceeds. Never falls with d, or never rises.
  std::vector<int32_t> row_of;
  int64_t reach = 0;
  std::unique_ptr<PackedTerms> packed;  // by Backend::pack_terms, which leaves no other rows; null for none
};

// A feed-forward that is several: each row goes through the few that suit it best (mixture of experts).
struct Experts {
  std::unique_ptr<Linear> router;           // of make_dense: [num_experts, hidden]
  std::vector<std::unique_ptr<Linear>> up;  // of make_linear, one for each expert, as feed_forward takes them
  std::vector<std::unique_ptr<Linear>> down;
  std::unique_ptr<Buffer> bias;  // [hidden]: added once to every row
  int64_t num_chosen = 0;        // experts of a row
};

// A sequence's tokens are rows seq_offsets[i] .. seq_offsets[i+1] of every matrix of the batch. Positions are counted
// from 0 within each.
struct AttentionShape {
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  float scale = 0;  // usually 1 / sqrt(head_dim)
  // [num_heads, 2 * bias_reach + 1]: what is added to the scaled score of a query and a key that stands d tokens behind
  // it, d from -bias_reach to bias_reach, which no sequence exceeds. Null for none.
  const Buffer* distance_bias = nullptr;
  int64_t bias_reach = 0;
  // [positions, head_dim]: head_dim / 2 cosines, then as many sines. Elements i and head_dim / 2 + i of queries and
  // keys are turned by angle i of their token's position. Null for none.
  const Buffer* rotation = nullptr;
  int64_t window = 0;  // tokens on either side of a query that it sees; 0 for all
  // Heads of keys and values: each serves num_heads / num_kv_heads query heads that follow one another. 0 for
  // num_heads.
  int64_t num_kv_heads = 0;
  bool causal = false;  // a query sees no token behind its own
  // [head_dim]: gains of an RMS norm of each query's and key's head, before they are turned. Null for none.
  const Buffer* query_norm = nullptr;
  const Buffer* key_norm = nullptr;
  float norm_eps = 0;
  // Added to the score before it is scaled, without a window. Null for none.
  const DistanceTerms* distance_terms = nullptr;

  int64_t kv_heads() const { return num_kv_heads > 0 ? num_kv_heads : num_heads; }
  int64_t heads_per_key() const { return num_heads / kv_heads(); }
  int64_t keys_at() const { return num_heads * head_dim; }  // first column of keys in q, k, v side by side
  int64_t values_at() const { return keys_at() + kv_heads() * head_dim; }  // and of values
};

// Where what was made of weights may be kept from one process to the next. Safe from many threads.
class PackedStore {
 public:
  virtual ~PackedStore() = default;
  // What was kept under the name, at a multiple of 64 bytes, if it is `bytes` long; else null. Lives as long as the
  // store.
  virtual const std::byte* find(const std::string& name, int64_t bytes) const = 0;
  // `data` must stay as it is until the store is written, or the backend is destroyed.
  virtual void keep(const std::string& name, const void* data, int64_t bytes) = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // out[t] = word_scale words[ids[t]] + positions[positions[t]] + types[types[t]]; indices were checked by the caller.
  virtual void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
                     std::span<const int32_t> types, MatrixView out) = 0;

  // out = layer_norm(x + residual) * gain + bias, over each row; residual.data may be null; out may be x or residual.
  // NormWeights::is_rms says how rows are normed. Where `operand` is not null it becomes out * factors; it may borrow
  // `out`, which must live as long as it is read.
  virtual void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out,
                    Operand* operand) = 0;

  // operand = x * factors as the next product reads it; factors [cols] or null. It may borrow x, as in norm.
  virtual void to_operand(MatrixView x, const Buffer* factors, Operand& operand) = 0;

  // out = softmax(scale q k^T) v within each sequence, where x W^T + bias holds q, k, v side by side: num_heads *
  // head_dim columns of q, num_kv_heads * head_dim of k and of v; shape says what else happens to scores.
  virtual void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> seq_offsets,
                              const AttentionShape& shape, Operand& out) = 0;

  // out = activation(x W^T + bias).
  virtual void linear(const Operand& x, const Linear& weights, Activation activation, MatrixView out) = 0;

  // out[t] = x[t] + activation(n W^T + bias), where n are several rows of x side by side: as many as W has columns for,
  // from row t - before on, zeros for those that are not of t's sequence. out and x do not overlap.
  virtual void convolve(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, const Linear& weights,
                        Activation activation, MatrixView out) = 0;

  // out = activation(x up^T + up's bias) down^T + down's bias.
  virtual void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                            MatrixView out) = 0;

  // out = (activation(first half) * second half) down^T + down's bias, of the columns of x up^T + up's bias.
  virtual void gated_feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                                  MatrixView out) = 0;

  // out = bias + the sum of weight * feed_forward(x) over the experts that a row chooses: those whose weights, the
  // softmax of x router^T, are largest. x are f32 rows, which become operands as in to_operand.
  virtual void routed_feed_forward(MatrixView x, const Buffer* factors, const Experts& experts, Activation activation,
                                   MatrixView out) = 0;

  // out = activation(x W^T + bias) in f32 whatever the backend's dtype, by weights of make_dense; out and x do not
  // overlap.
  virtual void dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) = 0;

  // One step of combining layers: total = x on the first step, else total + x (kMean, kSum) or max(total, x) (kMax).
  // kMean divides by num_layers on the last step (step == num_layers - 1). kConcat copies x to its columns of total.
  virtual void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) = 0;

  // out[s] = one vector for each sequence; the first `skip` tokens of a sequence (an excluded prompt) do not count.
  virtual void pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
                    MatrixView out) = 0;

  // x[r] /= max(|x[r]|_2, 1e-12), in place.
  virtual void normalize(MatrixView x) = 0;

  // Copies the first `cols` floats of a row to the host. Returns when the bytes are there.
  virtual void download_row(MatrixView x, int64_t row, int64_t cols, float* host) = 0;
};

// Shared by all threads after loading. Destroyed after everything it made.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string describe() const = 0;  // "avx512"
  // Why the device is not used as well as it might be, one sentence; empty where it is.
  virtual std::string remark() const { return {}; }
  virtual DType dtype() const = 0;  // what products of operands multiply
  // Changes where the same weights would be packed otherwise: part of the key of what is kept.
  virtual std::string packing() const { return describe(); }
  // From now on upload and make_linear look into the store and keep what they make there.
  virtual void use_store(const std::shared_ptr<PackedStore>& /*store*/) {}
  // Another backend on the same device, which multiplies in f32: for weights that are needed for a moment.
  virtual std::unique_ptr<Backend> make_exact() const = 0;
  // Floats in device memory; throws Error(kOutOfMemory).
  virtual std::unique_ptr<Buffer> allocate(int64_t floats) const = 0;
  // Any float dtype, converted to f32.
  virtual std::unique_ptr<Buffer> upload(const TensorView& tensor) const = 0;
  // Stacks the parts and packs them; shapes were checked by the caller. input_factors [in_features] or empty: column i
  // of the weights is divided by factor i, because operands come multiplied by it.
  virtual std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                              std::span<const float> input_factors) const = 0;
  // Tells in which order a pass reads weights of make_linear, so that the next ones may be fetched in time. Before any
  // stream reads them.
  virtual void set_reading_order(std::span<Linear* const> /*weights*/) const {}
  // The same as make_linear for Stream::dense.
  virtual std::unique_ptr<Linear> make_dense(const LinearPart& part) const = 0;
  // Packs the rows of terms that heads of this many share, where attention on this device reads them otherwise than as
  // f32. Before any stream reads them.
  virtual void pack_terms(DistanceTerms& /*terms*/, int64_t /*num_heads*/) const {}
  virtual std::unique_ptr<Operand> make_operand() const = 0;
  // On a CPU, num_threads share each operation, the caller's among them; they wait for the next one without sleeping.
  virtual std::unique_ptr<Stream> make_stream(int64_t num_threads) const = 0;
  // Multiplications and additions a second that this many threads reach together in registers, by the instructions that
  // products take; takes milliseconds of all of them. 0 where the device has no probe.
  virtual double measured_peak(int64_t /*num_threads*/) const { return 0; }
  // Whether the device computes one batch at a time, and large ones best: then all calls of the process put their rows
  // into one queue. Else each thread computes batches of its own.
  virtual bool shares_batches() const { return false; }
  // Tokens of one batch that keep this device busy and its activations in cache.
  virtual int64_t preferred_batch_tokens(int64_t hidden, int64_t ffn) const = 0;
};

// The precision that runs fastest without a visible loss: bf16 where its products are the faster ones, else f32.
DType fastest_dtype();

// isa: "auto", "portable", "avx2", "avx512" or "amx"; "auto" reads EMBERLINE_ISA, then CPUID. dtype: f32, bf16 or int8.
// Throws Error(kUnsupported) where the processor lacks a forced instruction set or has no products of that dtype: the
// message lists what it has.
std::unique_ptr<Backend> make_cpu_backend(const std::string& isa, DType dtype);

}  // namespace emberline
