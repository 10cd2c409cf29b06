// SPDX-License-Identifier: Apache-2.0
// Other processors have no probe yet.
#include "backend/cpu/peak_probe.h"

namespace emberline::cpu {

double burst_gflops(const std::string& /*isa*/) {
  return 0;
}
double peak_gflops(const std::string& /*isa*/) {
  return 0;
}
double measured_peak(const std::string& /*isa*/, DType /*dtype*/, int64_t /*num_threads*/) {
  return 0;
}

}  // namespace emberline::cpu
