// SPDX-License-Identifier: Apache-2.0
#pragma once
// The operations of the CPU backend as plain functions, one table for each instruction set.
//
// kernels_<isa>.cc includes vector_<isa>.h, its vector type, and over it product_body.h and rowwise_body.h, so that
// every instruction set runs the same steps in the same order. Those files are compiled with flags of their own and
// therefore include nothing of the standard library: an inline function built for AVX-512 could otherwise be linked for
// everybody.
//
// A row's numbers never depend on its neighbours: every element of a product is one chain of multiply-adds over k,
// ends of rows are masked vectors, reductions have a shape that follows from the row's length alone.
// Memory is the caller's; any alignment will do. All functions are safe from many threads and none fails.
#include <stdint.h>

#include "backend/ops.h"

namespace emberline::cpu {

// A [k, cols] matrix cut into panels of Kernels::panel_cols columns: [panels, k, panel_cols], the last padded with
// zeros.
struct PanelsView {
  const float* data = nullptr;
  const float* bias = nullptr;  // [panels * panel_cols], or null
  int64_t k = 0;
  int64_t cols = 0;
  int64_t panel_cols = 0;  // Kernels::wide_panel or narrow_panel
};

// Rows of a layer norm: out = (x + residual - mean) / sqrt(variance + eps) * gain + bias; of an RMS norm: out =
// (x + residual) / sqrt(mean of squares + eps) * gain.
struct NormView {
  const float* gain = nullptr;  // [cols]
  const float* bias = nullptr;  // [cols]; not read where is_rms
  float eps = 0;
  bool is_rms = false;
};

// Tables of an embedding; positions and types may be null.
struct EmbeddingView {
  const float* words = nullptr;      // [vocab, hidden]
  const float* positions = nullptr;  // [max_positions, hidden]
  const float* types = nullptr;      // [type_vocab, hidden]
  int64_t hidden = 0;
  float word_scale = 1;
};

// What queries and keys add to scores by their distance: by_query.at(r, i) for query r and by_key.at(c, i) for key c, i
// being row_of[c - r] - first_row. Either may have no data.
struct DistanceView {
  MatrixView by_query;
  MatrixView by_key;
  const int32_t* row_of = nullptr;
  int64_t first_row = 0;
};

struct Kernels {
  const char* name;
  int64_t wide_panel;    // columns of a panel: best for products
  int64_t narrow_panel;  // where it pads less

  // panels = source^T, source [cols, k]: weights as models store them, and keys.
  void (*pack_transposed)(MatrixView source, int64_t panel_cols, float* panels);
  // panels = source, source [k, cols]: values.
  void (*pack)(MatrixView source, int64_t panel_cols, float* panels);
  // out = activation(x b + bias), x [rows, k], out [rows, b.cols].
  void (*product)(MatrixView x, const PanelsView& b, Activation activation, MatrixView out);

  // scores = exp(scale * scores - the row's largest); inverse_sums[row] = 1 / the row's sum.
  void (*softmax)(MatrixView scores, float scale, float* inverse_sums);
  // x[row] *= factors[row].
  void (*scale_rows)(MatrixView x, const float* factors);

  // out[hidden] = word_scale * words[id] + types[type] + positions[position].
  void (*embed_token)(const EmbeddingView& tables, int64_t id, int64_t position, int64_t type, float* out);
  // residual.data may be null; out may be x or residual.
  void (*norm)(MatrixView x, MatrixView residual, const NormView& norm, MatrixView out);
  void (*combine)(MatrixView x, LayerOp op, int64_t step, int64_t num_layers, MatrixView total);
  // out[hidden] = one vector of a sequence's tokens, of which the first `skip` do not count.
  void (*pool)(MatrixView tokens, Pooling pooling, int64_t skip, float* out);
  // x[row] /= max(|x[row]|, 1e-12).
  void (*normalize)(MatrixView x);
  // scores[r][c] = scale * scores[r][c] + bias[c - r].
  void (*bias_scores)(MatrixView scores, float scale, const float* bias);
  // Turns elements i and head_dim / 2 + i of each head of row r by the angle whose cosine and sine are table[r][i] and
  // table[r][head_dim / 2 + i]; table [rows, head_dim].
  void (*rotate)(MatrixView heads, const float* table, int64_t head_dim);
  // The first half of x's columns = activation(first half) * second half.
  void (*gate)(MatrixView x, Activation activation);
  // Each head of head_dim columns becomes its RMS norm, in place; gain [head_dim].
  void (*norm_heads)(MatrixView heads, const float* gain, float eps, int64_t head_dim);
  // scores = scale * (scores + terms).
  void (*distance_scores)(MatrixView scores, float scale, const DistanceView& terms);
};

// Null where this build has no kernels of that kind (another architecture). Whether the processor can run them is the
// caller's question.
const Kernels* portable_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();

}  // namespace emberline::cpu
