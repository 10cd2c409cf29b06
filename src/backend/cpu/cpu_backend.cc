// SPDX-License-Identifier: Apache-2.0
#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_stream.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/peak_probe.h"
#include "backend/cpu/weight_memory.h"
#include "base/convert.h"
#include "base/error.h"

namespace emberline {
namespace cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const IsaChoice& choice) : kernels_(*choice.kernels), low_(choice.low), remark_(choice.remark) {}

  std::string describe() const override { return low_ != nullptr ? low_->name : kernels_.name; }
  std::string remark() const override { return remark_; }

  DType dtype() const override {
    if (low_ == nullptr) return DType::kF32;
    return low_->precision == Precision::kBf16 ? DType::kBF16 : DType::kI8;
  }

  std::unique_ptr<Backend> without_weights() const override {
    return std::make_unique<CpuBackend>(IsaChoice{&kernels_, low_, remark_});
  }

  std::unique_ptr<Buffer> allocate(int64_t floats) const override { return std::make_unique<AlignedFloats>(floats); }

  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override {
    auto buffer = std::make_unique<AlignedFloats>(tensor.size());
    convert_to_f32(tensor, 0, tensor.size(), buffer->data());
    return buffer;
  }

  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                      std::span<const float> input_factors) const override {
    if (low_ != nullptr) return std::make_unique<LinearLow>(*low_, parts, input_factors, weights_);
    check(input_factors.empty(), Code::kInternal, "make_linear: got input factors, expected none in f32");
    return std::make_unique<LinearF32>(kernels_, parts, weights_);
  }

  void set_reading_order(std::span<Linear* const> weights) const override {
    if (low_ == nullptr) return;
    for (size_t i = 0; i < weights.size(); ++i) {
      // After the last the next batch begins with the first.
      const Linear& next = *weights[(i + 1) % weights.size()];
      static_cast<LinearLow&>(*weights[i]).set_next(static_cast<const LinearLow&>(next));
    }
  }

  std::unique_ptr<Linear> make_dense(const LinearPart& part) const override {
    return std::make_unique<LinearF32>(kernels_, std::span(&part, 1), weights_);
  }

  std::unique_ptr<Operand> make_operand() const override {
    return low_ != nullptr ? make_operand_low(low_->precision) : make_operand_f32();
  }

  std::unique_ptr<Stream> make_stream() const override {
    return low_ != nullptr ? make_stream_low(kernels_, *low_) : make_stream_f32(kernels_);
  }

  double measured_peak(int64_t num_threads) const override {
    return cpu::measured_peak(describe(), dtype(), num_threads);
  }

  // Measured with 128, 256, 512 and 1024 at the widths of MiniLM and bge-base: 256 was fastest at both.
  int64_t preferred_batch_tokens(int64_t /*hidden*/, int64_t /*ffn*/) const override { return 256; }

 private:
  const Kernels& kernels_;
  const LowKernels* low_;  // null for f32
  std::string remark_;
  mutable WeightMemory weights_;
};

}  // namespace
}  // namespace cpu

DType fastest_dtype() {
  return cpu::bf16_pays() ? DType::kBF16 : DType::kF32;
}

std::unique_ptr<Backend> make_cpu_backend(const std::string& isa, DType dtype) {
  return std::make_unique<cpu::CpuBackend>(cpu::choose_isa(isa, dtype));
}

}  // namespace emberline
