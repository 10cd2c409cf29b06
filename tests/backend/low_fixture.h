// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs one test body for every table of low-precision kernels, and gives it operands and weights with walls around.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "backend/backend_fixture.h"
#include "backend/cpu/amx_permission.h"
#include "backend/cpu/low_kernels.h"

namespace emberline {

// A table and whether this machine runs it; adding one is a line in kLowTables.
struct LowTable {
  const char* name;
  const cpu::LowKernels* (*kernels)();
  bool (*runs)();
};

// Beside the products themselves.
inline bool amx_runs() {
  return detect_cpu_features().avx512_vbmi && cpu::amx_permission().granted;
}

inline const LowTable kLowTables[] = {
    {"amx_bf16", cpu::amx_bf16_kernels, [] { return detect_cpu_features().amx_bf16 && amx_runs(); }},
    {"amx_int8", cpu::amx_int8_kernels, [] { return detect_cpu_features().amx_int8 && amx_runs(); }},
    {"avx512_bf16", cpu::avx512_bf16_kernels, [] { return detect_cpu_features().avx512_bf16; }},
    {"avx512_int8", cpu::avx512_int8_kernels, [] { return detect_cpu_features().avx512_vnni; }},
    {"avxvnni_int8", cpu::avxvnni_int8_kernels, [] { return detect_cpu_features().avx_vnni; }},
    {"avx2_int8", cpu::avx2_int8_kernels, [] { return detect_cpu_features().avx2; }},
    {"portable_bf16", cpu::portable_bf16_kernels, [] { return true; }},
    {"portable_int8", cpu::portable_int8_kernels, [] { return true; }},
};

inline void PrintTo(const LowTable& table, std::ostream* out) {
  *out << table.name;
}

inline float bf16_value(uint16_t half) {
  const uint32_t bits = uint32_t{half} << 16;
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// Rounded to even; denormals become zeros.
inline uint16_t bf16_of(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  if (std::abs(value) < 0x1p-126F) return static_cast<uint16_t>((bits >> 16) & 0x8000U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

// Memory at a multiple of 64 bytes, full of bytes that are NaN as bf16 and as f32.
class AlignedBytes {
 public:
  static constexpr unsigned char kWall = 0xff;

  explicit AlignedBytes(int64_t size) : lines_(static_cast<size_t>(size) / 64 + 1) {
    std::memset(lines_.data(), kWall, lines_.size() * 64);
  }
  // All lines, not the first one's bytes.
  char* data() { return reinterpret_cast<char*>(lines_.data()); }
  const char* data() const { return reinterpret_cast<const char*>(lines_.data()); }

 private:
  struct alignas(64) Line {
    char bytes[64];
  };
  std::vector<Line> lines_;
};

// An operand between walls; the memory that belongs to no row is wall, too.
class OperandRows {
 public:
  OperandRows(cpu::Precision precision, int64_t rows, int64_t cols)
      : precision_(precision),
        rows_(rows),
        cols_(cols),
        stride_(cpu::operand_stride(cols, precision)),
        scales_(static_cast<size_t>(rows) + 1, kNan),
        bytes_(2 * kMargin + whole_rows() * row_bytes()) {}

  cpu::OperandView view() { return rows_view(rows_); }
  // The first rows only.
  cpu::OperandView rows_view(int64_t count) {
    return {row(0), precision_ == cpu::Precision::kInt8 ? scales_.data() : nullptr, count, cols_, stride_};
  }
  char* row(int64_t r) { return bytes_.data() + kMargin + r * row_bytes(); }
  const char* row(int64_t r) const { return bytes_.data() + kMargin + r * row_bytes(); }
  int64_t row_bytes() const { return stride_ * cpu::bytes_of(precision_); }
  float scale(int64_t r) const { return scales_[static_cast<size_t>(r)]; }
  void set_scale(int64_t r, float scale) { scales_[static_cast<size_t>(r)] = scale; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }

  // The element before its scale.
  double element(int64_t r, int64_t c) const {
    if (precision_ == cpu::Precision::kInt8) return static_cast<signed char>(row(r)[c]);
    uint16_t half = 0;
    std::memcpy(&half, row(r) + 2 * c, sizeof(half));
    return bf16_value(half);
  }
  double at(int64_t r, int64_t c) const {
    return precision_ == cpu::Precision::kInt8 ? element(r, c) * double{scale(r)} : element(r, c);
  }

  // True if rows end in zeros and nothing wrote outside of the rows.
  bool walls_stand() const {
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t c = cols_; c < stride_; ++c) {
        if (element(r, c) != 0) return false;
      }
    }
    const auto is_wall = [](char byte) { return static_cast<unsigned char>(byte) == AlignedBytes::kWall; };
    const char* first = bytes_.data();
    const char* last = first + 2 * kMargin + whole_rows() * row_bytes();
    return std::all_of(first, first + kMargin, is_wall) &&
           std::all_of(first + kMargin + rows_ * row_bytes(), last, is_wall) && std::isnan(scales_.back());
  }

  ::testing::AssertionResult same_row(int64_t r, const OperandRows& other, int64_t its_row) const {
    if (std::memcmp(row(r), other.row(its_row), static_cast<size_t>(row_bytes())) != 0) {
      return ::testing::AssertionFailure() << "elements differ";
    }
    if (precision_ == cpu::Precision::kBf16) return ::testing::AssertionSuccess();
    return same_bits(&scales_[static_cast<size_t>(r)], &other.scales_[static_cast<size_t>(its_row)], 1);
  }

 private:
  static constexpr int64_t kMargin = 256;
  int64_t whole_rows() const { return (rows_ + cpu::kOperandRows - 1) / cpu::kOperandRows * cpu::kOperandRows; }

  cpu::Precision precision_;
  int64_t rows_;
  int64_t cols_;
  int64_t stride_;
  std::vector<float> scales_;
  AlignedBytes bytes_;
};

inline void set_bf16(OperandRows& operand, int64_t r, int64_t c, float value) {
  const uint16_t half = bf16_of(value);
  std::memcpy(operand.row(r) + 2 * c, &half, sizeof(half));
}

// PackedWeights of one product: packed, and as the numbers that packing leaves of them.
class PackedWeights {
 public:
  PackedWeights(const cpu::LowKernels& kernels, int64_t out_features, int64_t in_features, uint32_t seed)
      : values_(Matrix::random(out_features, in_features, seed, 0.3F)),
        padded_(static_cast<size_t>((out_features + 63) / 64 * 64)),
        bias_(padded_, 0.0F),
        scales_(padded_, 0.0F),
        packed_(kernels.packed_bytes(out_features, in_features) + 64) {
    const Matrix bias = Matrix::random(1, out_features, seed + 1);
    std::copy_n(bias.row(0), out_features, bias_.begin());
    for (int64_t n = 0; n < out_features; ++n) {
      if (kernels.precision == cpu::Precision::kBf16) {
        for (int64_t k = 0; k < in_features; ++k) values_.at(n, k) = bf16_value(bf16_of(values_.at(n, k)));
        continue;
      }
      // Whole multiples of the scale, so that there is no doubt what they are in int8.
      float largest = 0;
      for (int64_t k = 0; k < in_features; ++k) largest = std::max(largest, std::abs(values_.at(n, k)));
      const float scale = largest / kernels.largest_weight;
      scales_[static_cast<size_t>(n)] = scale;
      for (int64_t k = 0; k < in_features; ++k) values_.at(n, k) = std::nearbyint(values_.at(n, k) / scale) * scale;
    }
    size_ = kernels.packed_bytes(out_features, in_features);
    kernels.pack(values_.view(), scales_.data(), packed_.data());
    view_ = {packed_.data(), bias_.data(), kernels.precision == cpu::Precision::kInt8 ? scales_.data() : nullptr,
             in_features, out_features};
  }

  const cpu::PackedView& view() const { return view_; }
  // The element before its scale.
  double element(int64_t n, int64_t k) const {
    if (view_.scales == nullptr) return values_.at(n, k);
    return std::nearbyint(double{values_.at(n, k)} / double{scales_[static_cast<size_t>(n)]});
  }
  double scale(int64_t n) const { return view_.scales == nullptr ? 1.0 : double{scales_[static_cast<size_t>(n)]}; }
  double bias(int64_t n) const { return bias_[static_cast<size_t>(n)]; }
  bool wall_stands() const {
    const char* end = packed_.data() + size_;
    return std::all_of(end, end + 64, [](char b) { return static_cast<unsigned char>(b) == AlignedBytes::kWall; });
  }

 private:
  Matrix values_;
  size_t padded_;
  std::vector<float> bias_;
  std::vector<float> scales_;
  AlignedBytes packed_;
  int64_t size_ = 0;
  cpu::PackedView view_;
};

class LowKernelsTest : public ::testing::TestWithParam<LowTable> {
 protected:
  void SetUp() override {
    if (!GetParam().runs()) GTEST_SKIP() << "this machine runs no " << GetParam().name;
    kernels_ = GetParam().kernels();
    int8_ = kernels_->precision == cpu::Precision::kInt8;
  }

  OperandRows operand(int64_t rows, int64_t cols) const { return {kernels_->precision, rows, cols}; }
  OperandRows quantised(Matrix x) const {
    OperandRows out = operand(x.rows(), x.cols());
    kernels_->quantise(x.view(), nullptr, out.view());
    return out;
  }
  AlignedBytes scratch(int64_t out_features) const { return AlignedBytes(kernels_->scratch_bytes(out_features)); }

  const cpu::LowKernels* kernels_ = nullptr;
  bool int8_ = false;
};

// Tables of this build that a suite is about.
inline std::vector<LowTable> low_tables(bool (*fits)(const cpu::LowKernels&)) {
  std::vector<LowTable> tables;
  for (const LowTable& table : kLowTables) {
    if (table.kernels() != nullptr && fits(*table.kernels())) tables.push_back(table);
  }
  return tables;
}

#define EMB_FOR_LOW_TABLES(suite, fits)                                         \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(suite);                         \
  INSTANTIATE_TEST_SUITE_P(Table, suite, ::testing::ValuesIn(low_tables(fits)), \
                           [](const auto& param_info) { return param_info.param.name; })
#define EMB_FOR_EVERY_LOW_TABLE(suite) EMB_FOR_LOW_TABLES(suite, [](const cpu::LowKernels&) { return true; })

}  // namespace emberline
