// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_stream.h"

#include <cstring>

#include "backend/cpu/cpu_linear.h"

namespace emberline::cpu {
namespace {

const float* data_or_null(const std::unique_ptr<Buffer>& buffer) {
  return buffer ? buffer->data() : nullptr;
}

}  // namespace

void CpuStream::embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
                      std::span<const int32_t> types, MatrixView out) {
  const EmbeddingView view = {data_or_null(tables.words), data_or_null(tables.positions), data_or_null(tables.types),
                              tables.hidden};
  for (size_t t = 0; t < ids.size(); ++t) {
    const int32_t position = view.positions != nullptr ? positions[t] : 0;
    const int32_t type = view.types != nullptr ? types[t] : 0;
    kernels_.embed_token(view, ids[t], position, type, out.data + static_cast<int64_t>(t) * out.row_stride);
  }
}

void CpuStream::dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) {
  static_cast<const LinearF32&>(weights).run(x, activation, out);
}

void CpuStream::combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) {
  kernels_.combine(x, op, step, num_layers, total);
}

void CpuStream::pool(MatrixView hidden, std::span<const int64_t> seq_offsets, Pooling pooling, int64_t skip,
                     MatrixView out) {
  for (size_t s = 0; s + 1 < seq_offsets.size(); ++s) {
    const MatrixView tokens = {hidden.data + seq_offsets[s] * hidden.row_stride, seq_offsets[s + 1] - seq_offsets[s],
                               hidden.cols, hidden.row_stride};
    kernels_.pool(tokens, pooling, skip, out.data + static_cast<int64_t>(s) * out.row_stride);
  }
}

void CpuStream::normalize(MatrixView x) {
  kernels_.normalize(x);
}

void CpuStream::download_row(MatrixView x, int64_t row, int64_t cols, float* host) {
  std::memcpy(host, x.data + row * x.row_stride, static_cast<size_t>(cols) * sizeof(float));
}

}  // namespace emberline::cpu
