// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs one test body for every instruction set with every dtype that it has products of.
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/error.h"
#include "base/tensor.h"

namespace emberline {

struct Device {
  std::string isa;
  DType dtype;
};

inline void PrintTo(const Device& device, std::ostream* out) {
  *out << device.isa << " " << dtype_name(device.dtype);
}

inline std::string name_of(const Device& device) {
  return device.isa + "_" + dtype_name(device.dtype);
}

// Whether this machine runs them is the test's question.
inline std::vector<Device> all_devices() {
  std::vector<Device> devices;
  for (const char* isa : {"portable", "avx2", "avxvnni", "avx512", "amx"}) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
      const bool exists = dtype != DType::kBF16 || !std::string(isa).starts_with("avx") || isa == std::string("avx512");
      if (exists) devices.push_back({isa, dtype});
    }
  }
  return devices;
}

// Skipped where this machine does not run the device; backend_ is null then, which a SetUp of its own must heed.
class DeviceTest : public ::testing::TestWithParam<Device> {
 protected:
  void SetUp() override {
    try {
      backend_ = make_cpu_backend(GetParam().isa, GetParam().dtype);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Code::kUnsupported) << error.what();
      GTEST_SKIP() << error.what();
    }
  }

  // How far two products, one after the other, may lead from the exact result where that is near 1.
  static double feed_forward_bound() {
    return GetParam().dtype == DType::kF32 ? 1e-5 : GetParam().dtype == DType::kBF16 ? 0.02 : 0.06;
  }

  std::unique_ptr<Backend> backend_;
};

#define EMB_FOR_EVERY_DEVICE(suite)                                        \
  INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(all_devices()), \
                           [](const auto& param_info) { return name_of(param_info.param); })

}  // namespace emberline
