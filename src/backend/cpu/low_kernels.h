// SPDX-License-Identifier: Apache-2.0
#pragma once
// Operations whose products run in bf16 or int8, as plain functions: one table for each way a processor multiplies.
//
// Hidden states, layer norms, softmax and every sum stay f32. bf16 rounds to nearest even. int8 is symmetric: weights
// have one scale per output channel, rows one scale each, found when the row is made (largest magnitude / 127; an
// all-zero row has scale 0), so that a row's numbers never depend on its neighbours. NaN and infinities in a row give
// NaN or infinities in that row alone.
// As in kernels.h: ends of rows and columns run the same instructions as the middle (padded tiles or masked vectors),
// memory is the caller's, all functions are safe from many threads and none fails. Functions that use tile registers
// configure them on entry and release them on exit: the thread may be a JVM's.
#include <stdint.h>

#include "backend/cpu/kernels.h"
#include "backend/cpu/operand.h"
#include "backend/ops.h"

namespace emberline::cpu {

// A bf16 matrix; borrowed.
struct Bf16View {
  uint16_t* data = nullptr;  // [rows, cols] at row_stride
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_stride = 0;
};

// Terms of distances for heads of bf16 (DistanceTerms, packed by DistanceTiles); borrowed. Distances that share a row
// share a column; columns rise with the distance by 0 or 1.
struct TermsView {
  // [heads, tiles of 16 columns, chunks of 32 dims]: tiles as keys have them. Null for none.
  const uint16_t* by_query = nullptr;
  const uint16_t* by_key = nullptr;  // [heads, columns, dims in whole chunks]; null for none
  int64_t head_stride = 0;           // words of a head in either
  // Of distance 0; null for no terms. Readable 15 distances beyond those that the sequence has; columns of the farther
  // ones are zeros.
  const int32_t* column_of = nullptr;
  const float* poison = nullptr;  // [heads]: NaN where a term is no finite number, else 0
};

// Heads of one sequence in bf16; borrowed. Queries of head h are columns [h * head_dim, (h + 1) * head_dim); it sees
// head h / heads_per_key of the keys and values, which lie side by side from columns keys_at and values_at on.
struct HeadsView {
  const uint16_t* data = nullptr;  // [rows, ..] at row_stride
  int64_t rows = 0;
  int64_t row_stride = 0;
  int64_t num_heads = 0;
  int64_t head_dim = 0;
  int64_t keys_at = 0;
  int64_t values_at = 0;
  int64_t heads_per_key = 1;
  bool causal = false;  // a query sees no key behind its own place
  int64_t window = 0;   // tokens on either side of a query that it sees; 0 for all
  // Added to the scaled score of query q and key k of the first head: bias[k - q]; that of the next head lies
  // bias_stride further. Null for none.
  const float* bias = nullptr;
  int64_t bias_stride = 0;
  TermsView terms = {};  // added to the score before it is scaled; heads_per_key is 1 with them
};

struct LowKernels {
  const char* name;      // "amx", "avx512", "avx2"
  Precision precision;   // of operands and weights
  float largest_weight;  // 127, or 63 where products of 8 bits would saturate; 0 for bf16

  int64_t (*packed_bytes)(int64_t out_features, int64_t in_features);
  // weight: f32 [out_features, in_features]; scales: [out_features rounded up to 64], read for int8 only. Writes all
  // packed bytes, zeros where they are padding.
  void (*pack)(MatrixView weight, const float* scales, void* packed);

  // out = x * factors as an operand; factors [cols] or null.
  void (*quantise)(MatrixView x, const float* factors, OperandView out);

  // out = activation(x W^T + bias). out may have any alignment.
  void (*product)(OperandView x, const PackedView& w, Activation activation, MatrixView out);
  // The same numbers as the operand of the next product. scratch: scratch_bytes(w.out_features) bytes at 64.
  void (*product_activated)(OperandView x, const PackedView& w, Activation activation, OperandView out, void* scratch);
  int64_t (*scratch_bytes)(int64_t out_features);
  // activation(x W^T + bias) as bf16, for attention and for requantise: written in whole vectors, up to the next
  // multiple of 32 columns. Null where attention runs in f32.
  void (*product_bf16)(OperandView x, const PackedView& w, Activation activation, Bf16View out);
  // The operand that product_activated makes, of numbers that product_bf16 made. Null where it makes the same operand
  // as quantise does of what product makes.
  void (*requantise)(const Bf16View& x, OperandView out);

  // hidden = layer_norm(x + residual) * gain + bias in f32, and hidden * factors as an operand. residual.data may be
  // null; hidden may be x or residual; factors [cols] or null.
  void (*norm)(MatrixView x, MatrixView residual, const NormView& norm, const float* factors, MatrixView hidden,
               OperandView out);

  // out [rows, num_heads * head_dim] = softmax(scale q k^T) v for each head, scale >= 0, above 0 with a bias. Rows of
  // qkv are readable up to a multiple of kOperandRows. scratch: attention_scratch_bytes(rows, head_dim) bytes at 64.
  // Null together with product_bf16.
  void (*attention)(const HeadsView& qkv, float scale, MatrixView out, void* scratch);
  int64_t (*attention_scratch_bytes)(int64_t rows, int64_t head_dim);
  // As Kernels::rotate, on heads in bf16, rounded once more. Null together with product_bf16.
  void (*rotate_bf16)(Bf16View heads, const float* table, int64_t head_dim) = nullptr;
  // As Kernels::norm_heads and then Kernels::rotate, rounded once; table null for no rotation. Null together with
  // product_bf16.
  void (*norm_heads_bf16)(Bf16View heads, const float* gain, float eps, const float* table, int64_t head_dim) = nullptr;
  // out = activation(first half of x's columns) * second half, as an operand. Rows of x are readable and may be
  // overwritten up to a multiple of 32 columns. Null where gates run in f32.
  void (*gate_bf16)(Bf16View x, Activation activation, OperandView out) = nullptr;
};

// Null where this build has none of that kind. Whether the processor can run them is the caller's question.
const LowKernels* amx_bf16_kernels();
const LowKernels* amx_int8_kernels();
const LowKernels* avx512_bf16_kernels();   // AVX512_BF16
const LowKernels* avx512_int8_kernels();   // AVX512_VNNI
const LowKernels* avxvnni_int8_kernels();  // AVX2 with AVX_VNNI
const LowKernels* avx2_int8_kernels();     // 7-bit weights
const LowKernels* portable_bf16_kernels();
const LowKernels* portable_int8_kernels();

}  // namespace emberline::cpu
