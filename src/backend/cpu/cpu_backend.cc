// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/backend.h"
#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_stream.h"
#include "backend/cpu/distance_tiles.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/peak_probe.h"
#include "backend/cpu/weight_memory.h"
#include "base/convert.h"
#include "base/error.h"

namespace emberline {
namespace cpu {
namespace {

// Tables of fewer bytes are as soon converted as looked up.
constexpr int64_t kSmallestStoredBytes = 64 * 1024;

// From this width on a layer's weights are too many for the second-level cache.
constexpr int64_t kWideHidden = 640;

// Floats of a store: only the pages that rows are read from are ever touched.
class StoredFloats final : public Buffer {
 public:
  StoredFloats(const std::byte* stored, int64_t floats) {
    data_ = const_cast<float*>(reinterpret_cast<const float*>(stored));  // read only, as all weights are
    size_ = floats;
  }
};

// A small matrix whose packing shows how these kernels lay out weights.
struct Sample {
  static constexpr int64_t kRows = 70;
  static constexpr int64_t kCols = 130;
  AlignedFloats numbers{kRows * kCols};

  Sample() {
    for (int64_t i = 0; i < numbers.size(); ++i) numbers.data()[i] = static_cast<float>(i * 37 % 251 - 125);
  }
  MatrixView view() { return {numbers.data(), kRows, kCols, kCols}; }
};

// FNV-1a of 64 bits.
uint64_t digest(const void* data, int64_t bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (int64_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const uint8_t*>(data)[i]) * 0x100000001b3U;
  return hash;
}

uint64_t digest(const Kernels& kernels) {
  Sample sample;
  const int64_t floats = round_up(Sample::kRows, kernels.wide_panel) * Sample::kCols;
  const AlignedFloats panels(floats);
  kernels.pack_transposed(sample.view(), kernels.wide_panel, panels.data());
  return digest(panels.data(), floats * static_cast<int64_t>(sizeof(float)));
}

uint64_t digest(const LowKernels& kernels) {
  Sample sample;
  const int64_t bytes = kernels.packed_bytes(Sample::kRows, Sample::kCols);
  const AlignedFloats packed(bytes / static_cast<int64_t>(sizeof(float)) + 1);
  const AlignedFloats scales(round_up(Sample::kRows, kColumnGranule));
  std::fill_n(scales.data(), scales.size(), 125 / std::max(kernels.largest_weight, 1.0F));
  kernels.pack(sample.view(), scales.data(), packed.data());
  return digest(packed.data(), bytes);
}

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const IsaChoice& choice) : kernels_(*choice.kernels), low_(choice.low), remark_(choice.remark) {}

  std::string describe() const override { return low_ != nullptr ? low_->name : kernels_.name; }
  std::string remark() const override { return remark_; }

  DType dtype() const override {
    if (low_ == nullptr) return DType::kF32;
    return low_->precision == Precision::kBf16 ? DType::kBF16 : DType::kI8;
  }

  std::string packing() const override {
    return message("{} {} {}", describe(), dtype_name(dtype()), low_ != nullptr ? digest(*low_) : digest(kernels_));
  }

  void use_store(const std::shared_ptr<PackedStore>& store) override { store_ = store; }

  std::unique_ptr<Backend> make_exact() const override {
    return std::make_unique<CpuBackend>(IsaChoice{.kernels = &kernels_, .low = nullptr, .remark = {}});
  }

  std::unique_ptr<Buffer> allocate(int64_t floats) const override { return std::make_unique<AlignedFloats>(floats); }

  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override {
    const auto bytes = tensor.size() * static_cast<int64_t>(sizeof(float));
    const bool is_stored = store_ != nullptr && bytes >= kSmallestStoredBytes;
    if (is_stored) {
      const std::byte* stored = store_->find("f32 " + tensor.name, bytes);
      if (stored != nullptr) return std::make_unique<StoredFloats>(stored, tensor.size());
    }
    auto buffer = std::make_unique<AlignedFloats>(tensor.size());
    convert_to_f32(tensor, 0, tensor.size(), buffer->data());
    if (is_stored) store_->keep("f32 " + tensor.name, buffer->data(), bytes);
    return buffer;
  }

  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                      std::span<const float> input_factors) const override {
    if (low_ != nullptr) return std::make_unique<LinearLow>(*low_, parts, input_factors, weights_, store_.get());
    check(input_factors.empty(), Code::kInternal, "make_linear: got input factors, expected none in f32");
    return std::make_unique<LinearF32>(kernels_, parts, weights_, store_.get());
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
    return std::make_unique<LinearF32>(kernels_, std::span(&part, 1), weights_, nullptr);
  }

  void pack_terms(DistanceTerms& terms, int64_t num_heads) const override {
    if (low_ == nullptr || low_->attention == nullptr) return;
    terms.packed = std::make_unique<DistanceTiles>(terms, num_heads);
    terms.by_query.reset();
    terms.by_key.reset();
  }

  std::unique_ptr<Operand> make_operand() const override {
    return low_ != nullptr ? make_operand_low(low_->precision) : make_operand_f32();
  }

  std::unique_ptr<Stream> make_stream(int64_t num_threads) const override {
    return low_ != nullptr ? make_stream_low(kernels_, *low_, num_threads) : make_stream_f32(kernels_, num_threads);
  }

  double measured_peak(int64_t num_threads) const override {
    return cpu::measured_peak(describe(), dtype(), num_threads);
  }

  // Measured with 128, 256, 512 and 1024 at the widths of MiniLM and bge-base: 256 was fastest, except where fast
  // products wait for a wide layer's weights.
  int64_t preferred_batch_tokens(int64_t hidden, int64_t /*ffn*/) const override {
    return low_ != nullptr && hidden >= kWideHidden ? 512 : 256;
  }

 private:
  const Kernels& kernels_;
  const LowKernels* low_;  // null for f32
  std::string remark_;
  mutable WeightMemory weights_;
  std::shared_ptr<PackedStore> store_;
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
