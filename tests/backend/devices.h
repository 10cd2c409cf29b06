// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every instruction set with every dtype that it has products of: parameters of tests.
#include <ostream>
#include <string>
#include <vector>

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

}  // namespace emberline
