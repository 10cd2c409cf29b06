// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/convert.h"
#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/weight_memory.h"
#include "base/error.h"

namespace emberline {
namespace cpu {
namespace {

const float* data_or_null(const std::unique_ptr<Buffer>& buffer) {
  return buffer ? buffer->data() : nullptr;
}

class CpuStream final : public Stream {
 public:
  explicit CpuStream(const Kernels& kernels) : kernels_(kernels), attention_(kernels) {}

  void embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
             std::span<const int32_t> types, MatrixView out) override {
    const EmbeddingView view = {data_or_null(tables.words), data_or_null(tables.positions), data_or_null(tables.types),
                                tables.hidden};
    for (size_t t = 0; t < ids.size(); ++t) {
      const int32_t position = view.positions != nullptr ? positions[t] : 0;
      const int32_t type = view.types != nullptr ? types[t] : 0;
      kernels_.embed_token(view, ids[t], position, type, out.data + static_cast<int64_t>(t) * out.row_stride);
    }
  }

  void linear(MatrixView x, const Linear& weights, Activation activation, MatrixView out) override {
    static_cast<const CpuLinear&>(weights).run(x, activation, out);
  }

  void norm(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out) override {
    kernels_.norm(x, residual, {weights.gain->data(), weights.bias->data(), weights.eps}, out);
  }

  void attention(MatrixView qkv, std::span<const int64_t> seq_offsets, const AttentionShape& shape,
                 MatrixView out) override {
    attention_.run(qkv, seq_offsets, shape, out);
  }

  void combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) override {
    kernels_.combine(x, op, step, num_layers, total);
  }

  void pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
            MatrixView out) override {
    for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
      const MatrixView tokens = {hidden.data + seq_offsets[s] * hidden.row_stride, seq_offsets[s + 1] - seq_offsets[s],
                                 hidden.cols, hidden.row_stride};
      kernels_.pool(tokens, pooling, skip, out.data + static_cast<int64_t>(s) * out.row_stride);
    }
  }

  void normalize(MatrixView x) override { kernels_.normalize(x); }

  void download_row(MatrixView x, int64_t row, int64_t cols, float* host) override {
    std::memcpy(host, x.data + row * x.row_stride, static_cast<size_t>(cols) * sizeof(float));
  }

 private:
  const Kernels& kernels_;
  Attention attention_;
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const Kernels& kernels) : kernels_(kernels) {}

  std::string describe() const override { return kernels_.name; }
  DType dtype() const override { return DType::kF32; }

  std::unique_ptr<Buffer> allocate(int64_t floats) const override { return std::make_unique<AlignedFloats>(floats); }

  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override {
    auto buffer = std::make_unique<AlignedFloats>(tensor.size());
    convert_to_f32(tensor, 0, tensor.size(), buffer->data());
    return buffer;
  }

  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts) const override {
    return pack_linear_f32(kernels_, parts, weights_);
  }

  std::unique_ptr<Stream> make_stream() const override { return std::make_unique<CpuStream>(kernels_); }

  // Measured with 128, 256, 512 and 1024 at the widths of MiniLM and bge-base: 256 was fastest at both.
  int64_t preferred_batch_tokens(int64_t /*hidden*/, int64_t /*ffn*/) const override { return 256; }

 private:
  const Kernels& kernels_;
  mutable WeightMemory weights_;
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(const std::string& isa, DType dtype) {
  check(dtype == DType::kF32, Code::kUnsupported, "dtype: the CPU cannot compute in {} here; it has f32",
        dtype_name(dtype));
  return std::make_unique<cpu::CpuBackend>(cpu::choose_kernels(isa));
}

}  // namespace emberline
