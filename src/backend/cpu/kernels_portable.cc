// SPDX-License-Identifier: Apache-2.0
// The f32 operations on any processor.
#include "backend/cpu/vector_portable.h"

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

const Kernels kTable = {"portable", kWide * kLanes, kNarrow * kLanes, pack_transposed, pack,
                        product,    softmax,        scale_rows,       embed_token,     norm,
                        combine,    pool,           normalize,        bias_scores,     rotate,
                        gate,       norm_heads,     distance_scores};

}  // namespace

const Kernels* portable_kernels() {
  return &kTable;
}

}  // namespace emberline::cpu
