// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace emberline {
namespace {

// The words that Linux writes after "flags" of the first processor, each between blanks.
std::string system_flags() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("flags")) return line.substr(line.find(':') + 1) + " ";
  }
  return {};
}

// The system may know fewer than the processor has, so that only what it does know is compared.
TEST(CpuFeatures, MissesWhatTheSystemReports) {
  const std::string flags = system_flags();
  if (flags.empty()) GTEST_SKIP() << "/proc/cpuinfo lists no flags here";
  const CpuFeatures cpu = detect_cpu_features();
  const auto has = [&](const std::string& names) {
    std::istringstream words(names);
    std::string word;
    while (words >> word) {
      if (flags.find(" " + word + " ") == std::string::npos) return false;
    }
    return true;
  };
  const std::string avx512 = "avx512f avx512bw avx512dq avx512vl ";
  EXPECT_TRUE(cpu.avx2 || !has("avx2 fma f16c"));
  EXPECT_TRUE(cpu.avx_vnni || !has("avx2 fma f16c avx_vnni"));
  EXPECT_TRUE(cpu.avx512 || !has(avx512));
  EXPECT_TRUE(cpu.avx512_vnni || !has(avx512 + "avx512_vnni"));
  EXPECT_TRUE(cpu.avx512_bf16 || !has(avx512 + "avx512_bf16"));
  EXPECT_TRUE(cpu.avx512_vbmi || !has(avx512 + "avx512vbmi"));
  EXPECT_TRUE(cpu.amx_bf16 || !has(avx512 + "amx_tile amx_bf16"));
  EXPECT_TRUE(cpu.amx_int8 || !has(avx512 + "amx_tile amx_int8"));
}

TEST(CpuFeatures, NamesAnotherVendorThanTheSystem) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("vendor_id")) continue;
    EXPECT_EQ(line.substr(line.find(':') + 2), detect_cpu_features().vendor);
    return;
  }
  GTEST_SKIP() << "/proc/cpuinfo names no vendor here";
}

TEST(CpuFeatures, ClaimsAnExtensionWithoutItsBase) {
  const CpuFeatures cpu = detect_cpu_features();
  EXPECT_FALSE(cpu.name.empty());
  EXPECT_TRUE(cpu.avx2 || !(cpu.avx_vnni || cpu.avx512));
  EXPECT_TRUE(cpu.avx512 || !(cpu.avx512_vnni || cpu.avx512_bf16 || cpu.avx512_vbmi || cpu.amx_bf16 || cpu.amx_int8));
}

}  // namespace
}  // namespace emberline
