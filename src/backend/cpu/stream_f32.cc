// SPDX-License-Identifier: Apache-2.0
// A stream whose products multiply f32: an operand is the matrix itself.
#include "backend/cpu/cpu_stream.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

struct OperandF32 final : Operand {
  MatrixView rows;  // in `memory`, or borrowed from the matrix that a norm wrote
  AlignedFloats memory;
};

const OperandF32& f32(const Operand& operand) {
  return static_cast<const OperandF32&>(operand);
}
OperandF32& f32(Operand& operand) {
  return static_cast<OperandF32&>(operand);
}

class StreamF32 final : public CpuStream {
 public:
  using CpuStream::CpuStream;

  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out, Operand* operand) override {
    check(weights.factors == nullptr, Code::kInternal, "norm: got operand factors, expected none in f32");
    norm_rows(x, residual, weights, out);
    if (operand != nullptr) f32(*operand).rows = out;
  }

  void to_operand(MatrixView x, const Buffer* factors, Operand& operand) override {
    check(factors == nullptr, Code::kInternal, "to_operand: got operand factors, expected none in f32");
    f32(operand).rows = x;
  }

  void self_attention(const Operand& x, const Linear& query_key_value, std::span<const int64_t> seq_offsets,
                      const AttentionShape& shape, Operand& out) override {
    const MatrixView qkv = reserve_matrix(wide_, f32(x).rows.rows, query_key_value.out_features);
    linear(x, query_key_value, Activation::kNone, qkv);
    OperandF32& attended = f32(out);
    attended.rows = reserve_matrix(attended.memory, qkv.rows, shape.num_heads * shape.head_dim);
    attend(qkv, seq_offsets, shape, attended.rows);
  }

  void linear(const Operand& x, const Linear& weights, Activation activation, MatrixView out) override {
    dense(f32(x).rows, weights, activation, out);
  }

  void convolve(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, const Linear& weights,
                Activation activation, MatrixView out) override {
    const MatrixView neighbours = reserve_matrix(wide_, x.rows, weights.in_features);
    gather_neighbours(x, seq_offsets, before, neighbours);
    dense(neighbours, weights, activation, out);
    combine(x, LayerOp::kSum, 1, 2, out);
  }

  void feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                    MatrixView out) override {
    const MatrixView inner = reserve_matrix(wide_, f32(x).rows.rows, up.out_features);
    dense(f32(x).rows, up, activation, inner);
    dense(inner, down, Activation::kNone, out);
  }

  void gated_feed_forward(const Operand& x, const Linear& up, Activation activation, const Linear& down,
                          MatrixView out) override {
    const MatrixView inner = reserve_matrix(wide_, f32(x).rows.rows, up.out_features);
    dense(f32(x).rows, up, Activation::kNone, inner);
    dense(gate_rows(inner, activation), down, Activation::kNone, out);
  }

 protected:
  std::unique_ptr<Operand> make_operand() const override { return make_operand_f32(); }

 private:
  AlignedFloats wide_;  // what a product reads or leaves within one operation
};

}  // namespace

std::unique_ptr<Stream> make_stream_f32(const Kernels& kernels, int64_t num_threads) {
  return std::make_unique<StreamF32>(kernels, num_threads);
}

std::unique_ptr<Operand> make_operand_f32() {
  return std::make_unique<OperandF32>();
}

}  // namespace emberline::cpu
