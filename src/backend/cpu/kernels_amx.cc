// SPDX-License-Identifier: Apache-2.0
// Products in bf16 and int8 on the tile registers of AMX; what works row by row is AVX-512, which every such processor
// has, AVX512_BF16 included.
#include "backend/cpu/amx_attention_body.h"
#include "backend/cpu/amx_product_body.h"
#include "backend/cpu/bf16_gate.h"
#include "backend/cpu/bf16_rotation.h"

namespace emberline::cpu {
namespace {

template <Precision P>
void product(OperandView x, const PackedView& w, Activation activation, MatrixView out) {
  switch (activation) {
    case Activation::kNone: return run_product<P>(x, w, ToFloats<P, Unchanged>(x, w, {}, out));
    case Activation::kGelu: return run_product<P>(x, w, ToFloats<P, PiecewiseGelu>(x, w, {}, out));
    default: return run_product<P>(x, w, ToFloats<P, Any>(x, w, {activation}, out));
  }
}

template <Precision P>
void product_bf16(OperandView x, const PackedView& w, Activation activation, Bf16View out) {
  // No tail to clear: what lies behind the last column may be another product's.
  const OperandView rows = {out.data, nullptr, out.rows, out.row_stride, out.row_stride};
  switch (activation) {
    case Activation::kNone: return run_product<P>(x, w, ToBf16<P, Unchanged>(x, w, {}, rows));
    case Activation::kGelu: return run_product<P>(x, w, ToBf16<P, PiecewiseGelu>(x, w, {}, rows));
    default: return run_product<P>(x, w, ToBf16<P, Any>(x, w, {activation}, rows));
  }
}

void requantise(const Bf16View& x, OperandView out) {
  for (int64_t r = 0; r < x.rows; ++r) store_int8_row_of_bf16(x.data + r * x.row_stride, r, out);
}

void product_to_bf16(OperandView x, const PackedView& w, Activation activation, OperandView out, void*) {
  constexpr Precision kBf16 = Precision::kBf16;
  if (activation == Activation::kGelu) {
    run_product<kBf16>(x, w, ToBf16<kBf16, PiecewiseGelu>(x, w, {}, out));
  } else {
    run_product<kBf16>(x, w, ToBf16<kBf16, Any>(x, w, {activation}, out));
  }
}

void product_to_int8(OperandView x, const PackedView& w, Activation activation, OperandView out, void* scratch) {
  constexpr Precision kInt8 = Precision::kInt8;
  if (activation == Activation::kGelu) {
    run_product<kInt8>(x, w, ToInt8<PiecewiseGelu>(x, w, {}, out, scratch));
  } else {
    run_product<kInt8>(x, w, ToInt8<Any>(x, w, {activation}, out, scratch));
  }
}

int64_t no_scratch(int64_t) {
  return 0;
}

constexpr Precision kBf16 = Precision::kBf16;
constexpr Precision kInt8 = Precision::kInt8;

const LowKernels kBf16Table = {"amx",
                               kBf16,
                               0,
                               packed_bytes<kBf16>,
                               pack<kBf16>,
                               quantise_bf16,
                               product<kBf16>,
                               product_to_bf16,
                               no_scratch,
                               product_bf16<kBf16>,
                               nullptr,
                               norm_bf16,
                               attention,
                               attention_scratch_bytes,
                               rotate_bf16,
                               norm_heads_bf16,
                               gate_to_bf16};
const LowKernels kInt8Table = {"amx",
                               kInt8,
                               127.0F,
                               packed_bytes<kInt8>,
                               pack<kInt8>,
                               quantise_int8,
                               product<kInt8>,
                               product_to_int8,
                               ToInt8<PiecewiseGelu>::scratch_bytes,
                               product_bf16<kInt8>,
                               requantise,
                               norm_int8,
                               attention,
                               attention_scratch_bytes,
                               rotate_bf16,
                               norm_heads_bf16,
                               gate_to_int8};

}  // namespace

const LowKernels* amx_bf16_kernels() {
  return &kBf16Table;
}
const LowKernels* amx_int8_kernels() {
  return &kInt8Table;
}

}  // namespace emberline::cpu
