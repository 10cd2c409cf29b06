// SPDX-License-Identifier: Apache-2.0
// A stream whose products multiply bf16 or int8; everything between two products stays f32.
#include <algorithm>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_stream.h"

namespace emberline::cpu {
namespace {

// Memory of `bytes` bytes.
void* reserve_bytes(AlignedFloats& memory, int64_t bytes) {
  return memory.reserve(bytes / static_cast<int64_t>(sizeof(float)) + 1);
}

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

const PackedView& packed(const Linear& linear) {
  return static_cast<const LinearLow&>(linear).view();
}

class StreamLow final : public CpuStream {
 public:
  StreamLow(const Kernels& kernels, const LowKernels& low_kernels)
      : CpuStream(kernels), low_(low_kernels), inner_(low_kernels.precision) {}

  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out, Operand* operand) override {
    const NormView view = {weights.gain->data(), weights.bias->data(), weights.eps};
    if (operand == nullptr) return kernels_.norm(x, residual, view, out);
    const float* factors = weights.factors != nullptr ? weights.factors->data() : nullptr;
    low_.norm(x, residual, view, factors, out, low(*operand).resize(x.rows, x.cols));
  }

  void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> seq_offsets,
                      const AttentionShape& shape, Operand& out) override {
    const MatrixView attended = reserve_matrix(attended_, low(x).rows, shape.num_heads * shape.head_dim);
    if (low_.attention != nullptr) {
      attend_bf16(low(x), packed(query_key_value), seq_offsets, shape, attended);
    } else {
      const MatrixView qkv = reserve_matrix(query_key_value_, low(x).rows, query_key_value.out_features);
      low_.product(low(x), packed(query_key_value), qkv);
      attention_.run(qkv, seq_offsets, shape, attended);
    }
    low_.quantise(attended, nullptr, low(out).resize(attended.rows, attended.cols));
  }

  void linear(const Operand& x, const Linear& weights, MatrixView out) override {
    low_.product(low(x), packed(weights), out);
  }

  void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                    MatrixView out) override {
    const OperandView inner = inner_.resize(low(x).rows, up.out_features);
    void* scratch = reserve_bytes(scratch_, low_.scratch_bytes(up.out_features));
    low_.product_activated(low(x), packed(up), activation, inner, scratch);
    low_.product(inner, packed(down), out);
  }

 private:
  void attend_bf16(OperandView x, const PackedView& weights, std::span<const int64_t> seq_offsets,
                   const AttentionShape& shape, MatrixView out) {
    const int64_t stride = operand_stride(weights.out_features, Precision::kBf16);
    // A sequence may begin at any row, and whole tiles are read from there.
    const int64_t readable = round_up(x.rows, kOperandRows) + kOperandRows;
    auto* memory = static_cast<uint16_t*>(
        reserve_bytes(query_key_value_, checked_product(readable, stride * bytes_of(Precision::kBf16), "activations")));
    low_.product_bf16(x, weights, {memory, x.rows, weights.out_features, stride});
    int64_t longest = 0;
    for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
      longest = std::max(longest, seq_offsets[s + 1] - seq_offsets[s]);
    }
    void* scratch = reserve_bytes(scratch_, low_.attention_scratch_bytes(longest, shape.head_dim));
    for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
      const int64_t first = seq_offsets[s];
      const int64_t len = seq_offsets[s + 1] - first;
      if (len == 0) continue;
      low_.attention({memory + first * stride, len, weights.out_features, stride}, shape.num_heads, shape.head_dim,
                     shape.scale, {out.data + first * out.row_stride, len, out.cols, out.row_stride}, scratch);
    }
  }

  const LowKernels& low_;
  OperandLow inner_;               // what a feed-forward holds between its products
  AlignedFloats query_key_value_;  // f32, or bf16 where attention takes that
  AlignedFloats attended_;
  AlignedFloats scratch_;
};

}  // namespace

std::unique_ptr<Stream> make_stream_low(const Kernels& kernels, const LowKernels& low_kernels) {
  return std::make_unique<StreamLow>(kernels, low_kernels);
}

std::unique_ptr<Operand> make_operand_low(Precision precision) {
  return std::make_unique<OperandLow>(precision);
}

}  // namespace emberline::cpu
