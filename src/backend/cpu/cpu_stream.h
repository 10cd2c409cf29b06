// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the CPU's streams share: all operations but those whose operands depend on the precision.
#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/low_kernels.h"

namespace emberline::cpu {

class CpuStream : public Stream {
 public:
  explicit CpuStream(const Kernels& kernels) : kernels_(kernels), attention_(kernels) {}

  void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
             std::span<const int32_t> types, MatrixView out) override;
  void dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) override;
  void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) override;
  void pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
            MatrixView out) override;
  void normalize(MatrixView x) override;
  void download_row(MatrixView x, int64_t row, int64_t cols, float* host) override;

 protected:
  const Kernels& kernels_;
  Attention attention_;
};

// Operands are f32 matrices.
std::unique_ptr<Stream> make_stream_f32(const Kernels& kernels);
std::unique_ptr<Operand> make_operand_f32();

// Operands are bf16 or int8, as `low` says; everything else runs by `kernels`.
std::unique_ptr<Stream> make_stream_low(const Kernels& kernels, const LowKernels& low);
std::unique_ptr<Operand> make_operand_low(Precision precision);

}  // namespace emberline::cpu
