// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/aligned_floats.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "base/error.h"

namespace emberline::cpu {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kLargePage = size_t{2} << 20;

}  // namespace

int64_t checked_product(int64_t a, int64_t b, const char* what) {
  int64_t product = 0;
  const bool fits = a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, &product);
  check(fits, Code::kOutOfMemory, "{}: {} x {} floats do not fit an address space", what, a, b);
  return product;
}

AlignedFloats::AlignedFloats(int64_t floats) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 8;
  check(floats >= 0 && floats <= kMost, Code::kOutOfMemory, "allocate: got {} floats, expected 0 to {}", floats, kMost);
  if (floats == 0) return;
  const size_t wanted = static_cast<size_t>(floats) * sizeof(float);
  // Weights are streamed; in large pages the address translation keeps up.
  const size_t alignment = wanted >= 2 * kLargePage ? kLargePage : kCacheLine;
  const size_t bytes = (wanted + alignment - 1) / alignment * alignment;
  data_ = static_cast<float*>(std::aligned_alloc(alignment, bytes));
  check(data_ != nullptr, Code::kOutOfMemory, "allocate: no {} bytes of memory", bytes);
  if (alignment == kLargePage) ::madvise(data_, bytes, MADV_HUGEPAGE);  // a wish: refusal costs speed alone
  size_ = floats;
}

AlignedFloats::~AlignedFloats() {
  std::free(data_);
}

AlignedFloats::AlignedFloats(AlignedFloats&& other) noexcept {
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
}

AlignedFloats& AlignedFloats::operator=(AlignedFloats&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

float* AlignedFloats::reserve(int64_t floats) {
  if (floats > size_) {
    *this = AlignedFloats();
    *this = AlignedFloats(floats);
  }
  return data_;
}

MatrixView reserve_matrix(AlignedFloats& memory, int64_t rows, int64_t cols) {
  return {memory.reserve(checked_product(rows, cols, "activations")), rows, cols, cols};
}

}  // namespace emberline::cpu
