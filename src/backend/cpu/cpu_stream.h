// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the CPU's streams share: all operations but those whose operands depend on the precision.
//
// A stream of several threads shares out every operation between them: products by columns, attention by heads, the
// rest by rows. No element is computed otherwise than by one thread, so that vectors are the same bits.
#include <algorithm>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/low_kernels.h"
#include "base/team.h"

namespace emberline::cpu {

class CpuStream : public Stream {
 public:
  CpuStream(const Kernels& kernels, int64_t num_threads);

  void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
             std::span<const int32_t> types, MatrixView out) override;
  void dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) override;
  void routed_feed_forward(MatrixView x, const Buffer* factors, const Experts& experts, Activation activation,
                           MatrixView out) override;
  void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) override;
  void pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
            MatrixView out) override;
  void normalize(MatrixView x) override;
  void download_row(MatrixView x, int64_t row, int64_t cols, float* host) override;

 protected:
  static constexpr int64_t kRowGranule = 4;  // rows that are worth another thread's while

  static NormView view_of(const NormWeights& weights);
  virtual std::unique_ptr<Operand> make_operand() const = 0;
  void norm_rows(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out);
  // activation(first half of the columns) * second half, in the place of the first half.
  MatrixView gate_rows(MatrixView x, Activation activation);
  // out[t] = rows of x from t - before on, side by side; zeros for those that are not of t's sequence.
  void gather_neighbours(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, MatrixView out);
  // out = softmax(scale q k^T) v within each sequence, in f32; qkv holds all three side by side.
  void attend(MatrixView qkv, std::span<const int64_t> seq_offsets, const AttentionShape& shape, MatrixView out);

  Attention& attention_of(int64_t member) { return attentions_[static_cast<size_t>(member)]; }

  // Shares out the heads of keys of all sequences: body(first row, rows, first head, end of heads, member). Queries go
  // with the keys that they see.
  template <typename Body>
  void share_heads(std::span<const int64_t> seq_offsets, int64_t num_heads, const Body& body) {
    const auto num_seqs = static_cast<int64_t>(seq_offsets.size()) - 1;
    team_.share(num_seqs * num_heads, 1, [&](int64_t first, int64_t end, int64_t member) {
      while (first < end) {
        const int64_t seq = first / num_heads;
        const int64_t head = first % num_heads;
        const int64_t end_head = std::min(num_heads, head + end - first);
        const int64_t row = seq_offsets[static_cast<size_t>(seq)];
        const int64_t rows = seq_offsets[static_cast<size_t>(seq) + 1] - row;
        if (rows > 0) body(row, rows, head, end_head, member);
        first += end_head - head;
      }
    });
  }

  // Shares out the rows of all sequences: body(sequence, first row, end of rows), not across sequences.
  template <typename Body>
  void share_sequences(std::span<const int64_t> seq_offsets, const Body& body) {
    team_.share(seq_offsets.back(), kRowGranule, [&](int64_t first, int64_t end, int64_t) {
      auto next = std::upper_bound(seq_offsets.begin(), seq_offsets.end(), first);  // where the row's sequence ends
      while (first < end) {
        while (*next <= first) ++next;
        const int64_t to = std::min(end, *next);
        body(next - seq_offsets.begin() - 1, first, to);
        first = to;
      }
    });
  }

  const Kernels& kernels_;
  Team team_;

 private:
  std::vector<Attention> attentions_;  // of each member
  // Of a routed feed-forward: what rows score, one expert's rows, as an operand too, and what it makes of them.
  AlignedFloats router_scores_;
  AlignedFloats routed_rows_;
  AlignedFloats routed_results_;
  std::unique_ptr<Operand> routed_operand_;
};

// Operands are f32 matrices.
std::unique_ptr<Stream> make_stream_f32(const Kernels& kernels, int64_t num_threads);
std::unique_ptr<Operand> make_operand_f32();

// Operands are bf16 or int8, as `low` says; everything else runs by `kernels`.
std::unique_ptr<Stream> make_stream_low(const Kernels& kernels, const LowKernels& low, int64_t num_threads);
std::unique_ptr<Operand> make_operand_low(Precision precision);

}  // namespace emberline::cpu
