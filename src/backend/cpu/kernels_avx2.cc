// SPDX-License-Identifier: Apache-2.0
// The f32 operations with AVX2.
#include "backend/cpu/vector_avx2.h"

namespace emberline::cpu {
namespace {

constexpr int kWide = 2;
constexpr int kNarrow = 2;
constexpr int tile_rows(int) {
  return 6;
}

}  // namespace
}  // namespace emberline::cpu

// The operations, over that vector.
#include "backend/cpu/product_body.h"
#include "backend/cpu/rowwise_body.h"

namespace emberline::cpu {
namespace {

const Kernels kTable = {"avx2",  kWide * kLanes, kNarrow * kLanes, pack_transposed, pack,
                        product, softmax,        scale_rows,       embed_token,     norm,
                        combine, pool,           normalize,        bias_scores,     rotate,
                        gate,    norm_heads,     distance_scores};

}  // namespace

const Kernels* avx2_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
