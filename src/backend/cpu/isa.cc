// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/isa.h"

#include <array>
#include <cstdlib>

#include "backend/cpu/amx_permission.h"
#include "base/cpu_features.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

// One instruction set; null where this build or the processor has no such kernels.
struct Isa {
  const char* name;
  const Kernels* kernels = nullptr;
  const LowKernels* bf16 = nullptr;
  const LowKernels* int8 = nullptr;

  const LowKernels* low(DType dtype) const {
    return dtype == DType::kBF16 ? bf16 : dtype == DType::kI8 ? int8 : nullptr;
  }
  bool runs(DType dtype) const { return kernels != nullptr && (dtype == DType::kF32 || low(dtype) != nullptr); }
};

using Isas = std::array<Isa, 5>;

// Best first. A processor may have an instruction set and lack its extensions for one dtype.
Isas isas_of(const CpuFeatures& cpu, bool tiles_allowed) {
  Isas isas = {{{.name = "amx"}, {.name = "avx512"}, {.name = "avxvnni"}, {.name = "avx2"}, {.name = "portable"}}};
  auto& [amx, avx512, avxvnni, avx2, portable] = isas;
  if (cpu.avx512) avx512.kernels = avx512_kernels();
  if (cpu.avx512_bf16) avx512.bf16 = avx512_bf16_kernels();
  if (cpu.avx512_vnni) avx512.int8 = avx512_int8_kernels();
  if (tiles_allowed && cpu.avx512_bf16 && cpu.avx512_vbmi && cpu.amx_bf16 && cpu.amx_int8) {
    amx.kernels = avx512.kernels;  // tiles multiply no f32
    amx.bf16 = amx_bf16_kernels();
    amx.int8 = amx_int8_kernels();
  }
  if (cpu.avx2) avx2.kernels = avx2_kernels();
  if (cpu.avx2) avx2.int8 = avx2_int8_kernels();
  if (cpu.avx_vnni) {
    avxvnni.kernels = avx2.kernels;
    avxvnni.int8 = avxvnni_int8_kernels();
  }
  portable.kernels = portable_kernels();
  portable.bf16 = portable_bf16_kernels();
  portable.int8 = portable_int8_kernels();
  return isas;
}

std::string names_of(const Isas& isas, DType dtype) {
  std::string names;
  for (const Isa& isa : isas) {
    if (isa.runs(dtype)) names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  return names;
}

std::string dtypes_of(const Isa& isa) {
  std::string names;
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
    if (isa.runs(dtype)) names += (names.empty() ? "" : ", ") + std::string(dtype_name(dtype));
  }
  return names;
}

// "auto": the best kernels for f32, and the best for the dtype. Emulated bf16 would be slower than f32 and less exact.
IsaChoice choose_best(const Isas& isas, DType dtype, const std::string& processor) {
  IsaChoice choice;
  for (const Isa& isa : isas) {
    if (choice.kernels == nullptr) choice.kernels = isa.kernels;
    const bool native = dtype == DType::kI8 || isa.kernels != portable_kernels();
    if (choice.low == nullptr && native) choice.low = isa.low(dtype);
  }
  check(dtype == DType::kF32 || choice.low != nullptr, Code::kUnsupported,
        "dtype: this machine ({}) does not multiply {}; it has f32 and int8", processor, dtype_name(dtype));
  return choice;
}

IsaChoice choose_named(const Isas& isas, const std::string& name, const std::string& source, DType dtype,
                       const std::string& processor) {
  for (const Isa& isa : isas) {
    if (name != isa.name) continue;
    check(isa.kernels != nullptr, Code::kUnsupported, "{}: this machine ({}) cannot run {}; it has {}", source,
          processor, name, names_of(isas, DType::kF32));
    check(isa.runs(dtype), Code::kUnsupported, "dtype: {} multiplies no {} on this machine ({}); it has {}", name,
          dtype_name(dtype), processor, dtypes_of(isa));
    return {isa.kernels, isa.low(dtype), ""};
  }
  fail(Code::kInvalidArgument, "{}: got \"{}\", expected auto, {}", source, name, names_of(isas, DType::kF32));
}

// EMBERLINE_ISA where `wanted` is "auto"; `source` becomes the name of what was read.
std::string resolve_name(const std::string& wanted, std::string& source) {
  const char* forced = std::getenv("EMBERLINE_ISA");
  if (wanted != "auto" || forced == nullptr || *forced == '\0') return wanted;
  source = "EMBERLINE_ISA";
  return forced;
}

}  // namespace

IsaChoice choose_isa(const std::string& wanted, DType dtype) {
  check(dtype != DType::kF16, Code::kUnsupported, "dtype: the CPU does not compute in f16; it has f32, bf16 and int8");
  const CpuFeatures cpu = detect_cpu_features();
  std::string source = "isa";
  const std::string name = resolve_name(wanted, source);
  // Tiles are asked for only where they would be used: the wish is the process's, and cannot be taken back.
  const bool wants_tiles = cpu.amx_bf16 && (name == "amx" || (name == "auto" && dtype != DType::kF32));
  const AmxPermission permission = wants_tiles ? amx_permission() : AmxPermission();
  const Isas isas = isas_of(cpu, permission.granted);
  IsaChoice choice =
      name == "auto" ? choose_best(isas, dtype, cpu.name) : choose_named(isas, name, source, dtype, cpu.name);
  if (wants_tiles && !permission.granted) choice.remark = "AMX is not used: " + permission.refusal + ".";
  return choice;
}

bool bf16_pays() {
  const CpuFeatures cpu = detect_cpu_features();
  std::string source;
  const std::string name = resolve_name("auto", source);
  const bool may_use_tiles = name == "auto" || name == "amx";
  if (may_use_tiles && cpu.amx_bf16 && amx_permission().granted) return true;
  // Intel's vectors multiply bf16 at half the rate of f32, AMD's at twice that rate.
  return cpu.avx512_bf16 && cpu.vendor == "AuthenticAMD" && (name == "auto" || name == "avx512");
}

}  // namespace emberline::cpu
