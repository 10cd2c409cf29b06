// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_stream.h"

#include <cstring>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/routes.h"

namespace emberline::cpu {
namespace {

const float* data_or_null(const std::unique_ptr<Buffer>& buffer) {
  return buffer ? buffer->data() : nullptr;
}

}  // namespace

CpuStream::CpuStream(const Kernels& kernels, int64_t num_threads) : kernels_(kernels), team_(num_threads) {
  attentions_.reserve(static_cast<size_t>(team_.num_members()));
  for (int64_t i = 0; i < team_.num_members(); ++i) attentions_.emplace_back(kernels);
}

void CpuStream::embed(const EmbeddingTables& tables, std::span<const int32_t> ids, std::span<const int32_t> positions,
                      std::span<const int32_t> types, MatrixView out) {
  const EmbeddingView view = {data_or_null(tables.words), data_or_null(tables.positions), data_or_null(tables.types),
                              tables.hidden, tables.word_scale};
  for (size_t t = 0; t < ids.size(); ++t) {
    const int32_t position = view.positions != nullptr ? positions[t] : 0;
    const int32_t type = view.types != nullptr ? types[t] : 0;
    kernels_.embed_token(view, ids[t], position, type, out.data + static_cast<int64_t>(t) * out.row_stride);
  }
}

void CpuStream::dense(MatrixView x, const Linear& weights, Activation activation, MatrixView out) {
  const auto& panels = static_cast<const LinearF32&>(weights);
  team_.share(weights.out_features, kernels_.wide_panel, [&](int64_t first, int64_t end, int64_t) {
    kernels_.product(x, panels.columns(first, end), activation, columns_of(out, first, end - first));
  });
}

NormView CpuStream::view_of(const NormWeights& weights) {
  return {weights.gain->data(), data_or_null(weights.bias), weights.eps, weights.is_rms};
}

void CpuStream::norm_rows(MatrixView x, MatrixView residual, const NormWeights& weights, MatrixView out) {
  const NormView view = view_of(weights);
  team_.share(x.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
    const int64_t count = end - first;
    const MatrixView added = residual.data != nullptr ? rows_of(residual, first, count) : residual;
    kernels_.norm(rows_of(x, first, count), added, view, rows_of(out, first, count));
  });
}

void CpuStream::attend(MatrixView qkv, std::span<const int64_t> seq_offsets, const AttentionShape& shape,
                       MatrixView out) {
  share_heads(seq_offsets, shape.kv_heads(),
              [&](int64_t row, int64_t rows, int64_t first_head, int64_t end_head, int64_t member) {
                attentions_[static_cast<size_t>(member)].run(rows_of(qkv, row, rows), first_head, end_head, shape,
                                                             rows_of(out, row, rows));
              });
}

void CpuStream::gather_neighbours(MatrixView x, std::span<const int64_t> seq_offsets, int64_t before, MatrixView out) {
  const int64_t count = out.cols / x.cols;
  share_sequences(seq_offsets, [&](int64_t seq, int64_t first, int64_t end) {
    const int64_t seq_begin = seq_offsets[static_cast<size_t>(seq)];
    const int64_t seq_end = seq_offsets[static_cast<size_t>(seq) + 1];
    for (int64_t row = first; row < end; ++row) {
      float* to = out.data + row * out.row_stride;
      for (int64_t at = row - before; at < row - before + count; ++at) {
        const bool is_inside = at >= seq_begin && at < seq_end;
        to = is_inside ? std::copy_n(x.data + at * x.row_stride, x.cols, to) : std::fill_n(to, x.cols, 0.0F);
      }
    }
  });
}

MatrixView CpuStream::gate_rows(MatrixView x, Activation activation) {
  team_.share(x.rows, kRowGranule,
              [&](int64_t first, int64_t end, int64_t) { kernels_.gate(rows_of(x, first, end - first), activation); });
  return columns_of(x, 0, x.cols / 2);
}

void CpuStream::routed_feed_forward(MatrixView x, const Buffer* factors, const Experts& experts, Activation activation,
                                    MatrixView out) {
  const MatrixView scores = reserve_matrix(router_scores_, x.rows, experts.router->out_features);
  dense(x, *experts.router, Activation::kNone, scores);
  const std::vector<std::vector<Route>> routes = choose_experts(scores, experts.num_chosen);
  for (int64_t r = 0; r < out.rows; ++r) std::copy_n(experts.bias->data(), out.cols, out.data + r * out.row_stride);
  if (routed_operand_ == nullptr) routed_operand_ = make_operand();
  for (size_t e = 0; e < routes.size(); ++e) {
    const auto count = static_cast<int64_t>(routes[e].size());
    if (count == 0) continue;
    const MatrixView rows = reserve_matrix(routed_rows_, count, x.cols);
    const MatrixView results = reserve_matrix(routed_results_, count, out.cols);
    float* to = rows.data;
    for (const Route& route : routes[e]) to = std::copy_n(x.data + route.row * x.row_stride, x.cols, to);
    to_operand(rows, factors, *routed_operand_);
    feed_forward(*routed_operand_, *experts.up[e], activation, *experts.down[e], results);
    const float* from = results.data;
    for (const Route& route : routes[e]) {
      float* sum = out.data + route.row * out.row_stride;
      for (int64_t c = 0; c < out.cols; ++c) sum[c] += route.weight * from[c];
      from += out.cols;
    }
  }
}

void CpuStream::combine(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total) {
  team_.share(x.rows, kRowGranule, [&](int64_t first, int64_t end, int64_t) {
    kernels_.combine(rows_of(x, first, end - first), op, step, num_layers, rows_of(total, first, end - first));
  });
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
