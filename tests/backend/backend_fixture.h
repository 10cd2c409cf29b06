// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs one test body for every instruction set, and gives it matrices that are misaligned and walled in.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/cpu_features.h"
#include "base/error.h"

namespace emberline {

inline bool machine_runs(const std::string& isa) {
  const CpuFeatures cpu = detect_cpu_features();
  return isa == "portable" || (isa == "avx2" && cpu.avx2) || (isa == "avx512" && cpu.avx512);
}

// Rows at an odd stride and an address that is no multiple of a vector, with a wall of kWall between and around them.
class Matrix {
 public:
  static constexpr float kWall = -12345.5F;

  Matrix(int64_t rows, int64_t cols, int64_t gap = 3) : rows_(rows), cols_(cols), stride_(cols + gap) {
    cells_.assign(static_cast<size_t>(kMargin + rows * stride_ + kMargin), kWall);
    for (int64_t r = 0; r < rows; ++r) std::memset(row(r), 0, static_cast<size_t>(cols) * sizeof(float));
  }

  float* row(int64_t r) { return cells_.data() + kMargin + r * stride_; }
  const float* row(int64_t r) const { return cells_.data() + kMargin + r * stride_; }
  float& at(int64_t r, int64_t c) { return row(r)[c]; }
  float at(int64_t r, int64_t c) const { return row(r)[c]; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  MatrixView view() { return {row(0), rows_, cols_, stride_}; }
  MatrixView rows_view(int64_t first, int64_t count) { return {row(first), count, cols_, stride_}; }

  // True while nothing wrote outside the rows' own columns.
  bool walls_stand() const {
    for (size_t i = 0; i < cells_.size(); ++i) {
      const int64_t at = static_cast<int64_t>(i) - kMargin;
      const bool inside = at >= 0 && at < rows_ * stride_ && at % stride_ < cols_;
      if (!inside && cells_[i] != kWall) return false;
    }
    return true;
  }

  static Matrix random(int64_t rows, int64_t cols, uint32_t seed, float spread = 1.0F) {
    Matrix m(rows, cols);
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0.0F, spread);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < cols; ++c) m.at(r, c) = normal(generator);
    }
    return m;
  }

 private:
  static constexpr int64_t kMargin = 37;
  int64_t rows_;
  int64_t cols_;
  int64_t stride_;
  std::vector<float> cells_;
};

inline ::testing::AssertionResult same_bits(const float* a, const float* b, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (std::memcmp(a + i, b + i, sizeof(float)) != 0) {
      return ::testing::AssertionFailure() << "column " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return ::testing::AssertionSuccess();
}

// A tensor of f32 numbers at an odd address.
struct HostTensor {
  std::vector<std::byte> bytes;
  TensorView view;

  HostTensor(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values)
      : bytes(values.size() * sizeof(float) + 1) {
    if (!values.empty()) std::memcpy(bytes.data() + 1, values.data(), values.size() * sizeof(float));
    view = {name, DType::kF32, shape, bytes.data() + 1};
  }

  static HostTensor of(const std::string& name, const Matrix& m) {
    std::vector<float> values;
    for (int64_t r = 0; r < m.rows(); ++r) values.insert(values.end(), m.row(r), m.row(r) + m.cols());
    return HostTensor(name, {m.rows(), m.cols()}, values);
  }
};

class BackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!machine_runs(GetParam())) GTEST_SKIP() << "this processor has no " << GetParam();
    backend_ = make_cpu_backend(GetParam(), DType::kF32);
    stream_ = backend_->make_stream(1);
  }

  std::unique_ptr<Buffer> upload(const std::vector<float>& values) const {
    const HostTensor tensor("values", {static_cast<int64_t>(values.size())}, values);
    return backend_->upload(tensor.view);
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Stream> stream_;
};

#define EMB_FOR_EVERY_ISA(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, ::testing::Values("portable", "avx2", "avx512"), \
                           [](const auto& param_info) { return param_info.param; })

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace emberline
