// SPDX-License-Identifier: Apache-2.0
// A stream whose products multiply bf16 or int8; everything between two products stays f32.
#include <algorithm>
#include <cstring>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_stream.h"
#include "backend/cpu/distance_tiles.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

// Memory of `bytes` bytes.
void* reserve_bytes(AlignedFloats& memory, int64_t bytes) {
  return memory.reserve(bytes / static_cast<int64_t>(sizeof(float)) + 1);
}

constexpr int64_t kBf16Line = 64 / bytes_of(Precision::kBf16);

class OperandLow final : public Operand {
 public:
  explicit OperandLow(Precision precision) : precision_(precision) {}

  // Rows to write, undefined so far.
  OperandView resize(int64_t rows, int64_t cols) {
    const int64_t stride = operand_stride(cols, precision_);
    const int64_t padded_rows = round_up(rows, kOperandRows);
    void* data = reserve_bytes(data_, checked_product(padded_rows, stride * bytes_of(precision_), "activations"));
    float* scales = precision_ == Precision::kInt8 ? scales_.reserve(padded_rows) : nullptr;
    view_ = {data, scales, rows, cols, stride};
    return view_;
  }

  OperandView view() const { return view_; }

 private:
  Precision precision_;
  OperandView view_;
  AlignedFloats data_;
  AlignedFloats scales_;
};

OperandView low(const Operand& operand) {
  return static_cast<const OperandLow&>(operand).view();
}
OperandLow& low(Operand& operand) {
  return static_cast<OperandLow&>(operand);
}

class StreamLow final : public CpuStream {
 public:
  StreamLow(const Kernels& kernels, const LowKernels& low_kernels, int64_t num_threads)
      : CpuStream(kernels, num_threads),
        low_(low_kernels),
        inner_(low_kernels.precision),
        attention_scratch_(static_cast<size_t>(team_.num_members())) {}

  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out, Operand* operand) override {
    if (operand == nullptr) return norm_rows(x, residual, weights, out);
    const NormView view = view_of(weights);
    const float* factors = weights.factors != nullptr ? weights.factors->data() : nullptr;
    const OperandView to = low(*operand).resize(x.rows, x.cols);
    team_.share(x.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
      const int64_t count = end - first;
      const MatrixView added = residual.data != nullptr ? rows_of(residual, first, count) : residual;
      low_.norm(rows_of(x, first, count), added, view, factors, rows_of(out, first, count),
                rows_of(to, first, count, low_.precision));
    });
  }

  void to_operand(MatrixView x, const Buffer* factors, Operand& operand) override {
    const float* numbers = factors != nullptr ? factors->data() : nullptr;
    const OperandView to = low(operand).resize(x.rows, x.cols);
    team_.share(x.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
      low_.quantise(rows_of(x, first, end - first), numbers, rows_of(to, first, end - first, low_.precision));
    });
  }

  void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> seq_offsets,
                      const AttentionShape& shape, Operand& out) override {
    const MatrixView attended = reserve_matrix(attended_, low(x).rows, shape.num_heads * shape.head_dim);
    if (low_.attention != nullptr) {
      attend_bf16(low(x), query_key_value, seq_offsets, shape, attended);
    } else {
      const MatrixView qkv = reserve_matrix(query_key_value_, low(x).rows, query_key_value.out_features);
      product(low(x), query_key_value, Activation::kNone, qkv);
      attend(qkv, seq_offsets, shape, attended);
    }
    quantise(attended, low(out));
  }

  void linear(const Operand& x, const Linear& weights, Activation activation, MatrixView out) override {
    product(low(x), weights, activation, out);
  }

  void convolve(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, const Linear& weights,
                Activation activation, MatrixView out) override {
    if (low_.precision == Precision::kBf16 && x.cols % kBf16Line == 0) {
      return convolve_in_place(x, seq_offsets, before, weights, activation, out);
    }
    const MatrixView neighbours = reserve_matrix(scratch_, x.rows, weights.in_features);
    gather_neighbours(x, seq_offsets, before, neighbours);
    quantise(neighbours, inner_);
    product(inner_.view(), weights, activation, out);
    combine(x, LayerOp::kSum, 1, 2, out);
  }

  void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                    MatrixView out) override {
    if (team_.num_members() == 1) {
      const OperandView inner = inner_.resize(low(x).rows, up.out_features);
      void* scratch = reserve_bytes(scratch_, low_.scratch_bytes(up.out_features));
      low_.product_activated(low(x), columns(up, 0, up.out_features), activation, inner, scratch);
    } else if (low_.requantise != nullptr) {
      // A row's scale is known when all of its columns are.
      const Bf16View numbers = reserve_bf16(low(x).rows, up.out_features);
      product_bf16(low(x), up, activation, numbers);
      const OperandView to = inner_.resize(numbers.rows, numbers.cols);
      team_.share(numbers.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
        low_.requantise(bf16_rows_of(numbers, first, end - first), rows_of(to, first, end - first, low_.precision));
      });
    } else {
      const MatrixView numbers = reserve_matrix(scratch_, low(x).rows, up.out_features);
      product(low(x), up, activation, numbers);
      quantise(numbers, inner_);
    }
    product(inner_.view(), down, Activation::kNone, out);
  }

  void gated_feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                          MatrixView out) override {
    if (low_.gate_bf16 != nullptr) {
      const Bf16View numbers = reserve_bf16(low(x).rows, up.out_features);
      product_bf16(low(x), up, Activation::kNone, numbers);
      const OperandView to = inner_.resize(numbers.rows, numbers.cols / 2);
      team_.share(numbers.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
        low_.gate_bf16(bf16_rows_of(numbers, first, end - first), activation,
                       rows_of(to, first, end - first, low_.precision));
      });
    } else {
      const MatrixView numbers = reserve_matrix(scratch_, low(x).rows, up.out_features);
      product(low(x), up, Activation::kNone, numbers);
      quantise(gate_rows(numbers, activation), inner_);
    }
    product(inner_.view(), down, Activation::kNone, out);
  }

 protected:
  std::unique_ptr<Operand> make_operand() const override { return make_operand_low(low_.precision); }

 private:
  static PackedView columns(const Linear& weights, int64_t first, int64_t end) {
    return static_cast<const LinearLow&>(weights).columns(first, end);
  }

  static Bf16View bf16_rows_of(const Bf16View& x, int64_t first, int64_t count) {
    return {x.data + first * x.row_stride, count, x.cols, x.row_stride};
  }

  Bf16View reserve_bf16(int64_t rows, int64_t cols) {
    const int64_t stride = operand_stride(cols, Precision::kBf16);
    const int64_t bytes = checked_product(rows, stride * bytes_of(Precision::kBf16), "activations");
    return {static_cast<uint16_t*>(reserve_bytes(scratch_, bytes)), rows, cols, stride};
  }

  void product(const OperandView& x, const Linear& weights, Activation activation, MatrixView out) {
    team_.share(weights.out_features, kColumnGranule, [&](int64_t first, int64_t end, int64_t) {
      low_.product(x, columns(weights, first, end), activation, columns_of(out, first, end - first));
    });
  }

  void product_bf16(const OperandView& x, const Linear& weights, Activation activation, const Bf16View& out) {
    team_.share(weights.out_features, kColumnGranule, [&](int64_t first, int64_t end, int64_t) {
      low_.product_bf16(x, columns(weights, first, end), activation,
                        {out.data + first, out.rows, end - first, out.row_stride});
    });
  }

  void quantise(MatrixView x, OperandLow& out) {
    const OperandView to = out.resize(x.rows, x.cols);
    team_.share(x.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
      low_.quantise(rows_of(x, first, end - first), nullptr, rows_of(to, first, end - first, low_.precision));
    });
  }

  // Where rows are whole lines, neighbours need no copies: with zeros between the sequences, what a row of the product
  // reads is memory that begins at one row of x and overlaps what the next one reads. The zeros give products as well,
  // which nobody takes. A row of int8 could not be read so: its scale is that of all its neighbours.
  void convolve_in_place(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, const Linear& weights,
                         Activation activation, MatrixView out) {
    if (x.rows == 0) return;
    const int64_t count = weights.in_features / x.cols;
    const int64_t gap = std::max(before, count - 1 - before);
    const auto num_seqs = static_cast<int64_t>(seq_offsets.size()) - 1;
    const int64_t rows = x.rows + (num_seqs - 1) * gap;
    const int64_t bytes = x.cols * bytes_of(Precision::kBf16);
    auto* data = static_cast<char*>(
        reserve_bytes(spaced_, checked_product(round_up(rows, kOperandRows) + count + gap, bytes, "activations")));
    const auto at = [&](int64_t seq, int64_t row) { return data + (before + row + seq * gap) * bytes; };
    std::memset(data, 0, static_cast<size_t>(before * bytes));
    for (int64_t seq = 0; seq < num_seqs; ++seq) {
      std::memset(at(seq, seq_offsets[static_cast<size_t>(seq) + 1]), 0, static_cast<size_t>(gap * bytes));
    }
    share_sequences(seq_offsets, [&](int64_t seq, int64_t first, int64_t end) {
      low_.quantise(rows_of(x, first, end - first), nullptr, {at(seq, first), nullptr, end - first, x.cols, x.cols});
    });
    const MatrixView products = reserve_matrix(scratch_, rows, weights.out_features);
    product({data, nullptr, rows, weights.in_features, x.cols}, weights, activation, products);
    share_sequences(seq_offsets, [&](int64_t seq, int64_t first, int64_t end) {
      const MatrixView to = rows_of(out, first, end - first);
      kernels_.combine(rows_of(products, first + seq * gap, end - first), LayerOp::kSum, 0, 2, to);
      kernels_.combine(rows_of(x, first, end - first), LayerOp::kSum, 1, 2, to);
    });
  }

  void attend_bf16(const OperandView& x, const Linear& weights, std::span<const int64_t> seq_offsets,
                   const AttentionShape& shape, MatrixView out) {
    const int64_t stride = operand_stride(weights.out_features, Precision::kBf16);
    // A sequence may begin at any row, and whole tiles are read from there.
    const int64_t readable = round_up(x.rows, kOperandRows) + kOperandRows;
    auto* qkv = static_cast<uint16_t*>(
        reserve_bytes(query_key_value_, checked_product(readable, stride * bytes_of(Precision::kBf16), "activations")));
    product_bf16(x, weights, Activation::kNone, {qkv, x.rows, weights.out_features, stride});
    const int64_t bias_stride = 2 * shape.bias_reach + 1;
    const float* bias = shape.distance_bias != nullptr ? shape.distance_bias->data() + shape.bias_reach : nullptr;
    const DistanceTiles* terms = tiles_of(shape);
    const auto body = [&](int64_t row, int64_t rows, int64_t head, int64_t end_head, int64_t member) {
      check(bias == nullptr || rows <= shape.bias_reach + 1, Code::kInternal,
            "attention: got {} tokens, but a bias for distances up to {}", rows, shape.bias_reach);
      check(terms == nullptr || rows <= shape.distance_terms->reach + 1, Code::kInternal,
            "attention: got {} tokens, but terms for distances up to {}", rows,
            terms != nullptr ? shape.distance_terms->reach : 0);
      const int64_t shared = shape.heads_per_key();
      const int64_t column = head * shared * shape.head_dim;
      const int64_t key_cols = (end_head - head) * shape.head_dim;
      const int64_t cols = key_cols * shared;
      const Bf16View queries = {qkv + row * stride + column, rows, cols, stride};
      const Bf16View keys = {qkv + row * stride + shape.keys_at() + head * shape.head_dim, rows, key_cols, stride};
      turn_heads(queries, shape.query_norm, shape);
      turn_heads(keys, shape.key_norm, shape);
      const HeadsView heads = {.data = queries.data,
                               .rows = rows,
                               .row_stride = stride,
                               .num_heads = (end_head - head) * shared,
                               .head_dim = shape.head_dim,
                               .keys_at = keys.data - queries.data,
                               .values_at = keys.data - queries.data + shape.values_at() - shape.keys_at(),
                               .heads_per_key = shared,
                               .causal = shape.causal,
                               .window = shape.window,
                               .bias = bias != nullptr ? bias + head * shared * bias_stride : nullptr,
                               .bias_stride = bias_stride,
                               .terms = terms != nullptr ? terms->view(head) : TermsView()};
      const MatrixView to = columns_of(rows_of(out, row, rows), column, cols);
      AlignedFloats& memory = attention_scratch_[static_cast<size_t>(member)];
      void* scratch = reserve_bytes(memory, low_.attention_scratch_bytes(rows, shape.head_dim));
      low_.attention(heads, shape.scale, to, scratch);
    };
    share_heads(seq_offsets, shape.kv_heads(), body);
  }

  static const DistanceTiles* tiles_of(const AttentionShape& shape) {
    if (shape.distance_terms == nullptr) return nullptr;
    check(shape.distance_terms->packed != nullptr, Code::kInternal,
          "attention: got terms of distances in f32, expected those of pack_terms");
    check(shape.window == 0 && shape.heads_per_key() == 1, Code::kInternal,
          "attention: got terms of distances, a window of {} and {} heads a key, expected no window and one head",
          shape.window, shape.heads_per_key());
    return static_cast<const DistanceTiles*>(shape.distance_terms->packed.get());
  }

  void turn_heads(const Bf16View& heads, const Buffer* norm, const AttentionShape& shape) {
    const float* table = shape.rotation != nullptr ? shape.rotation->data() : nullptr;
    if (norm != nullptr) {
      low_.norm_heads_bf16(heads, norm->data(), shape.norm_eps, table, shape.head_dim);
    } else if (table != nullptr) {
      low_.rotate_bf16(heads, table, shape.head_dim);
    }
  }

  const LowKernels& low_;
  OperandLow inner_;               // what a feed-forward holds between its products
  AlignedFloats query_key_value_;  // f32, or bf16 where attention takes that
  AlignedFloats attended_;
  AlignedFloats spaced_;  // bf16 rows with zeros between sequences
  AlignedFloats scratch_;
  std::vector<AlignedFloats> attention_scratch_;  // of each member
};

}  // namespace

std::unique_ptr<Stream> make_stream_low(const Kernels& kernels, const LowKernels& low_kernels, int64_t num_threads) {
  return std::make_unique<StreamLow>(kernels, low_kernels, num_threads);
}

std::unique_ptr<Operand> make_operand_low(Precision precision) {
  return std::make_unique<OperandLow>(precision);
}

}  // namespace emberline::cpu
