// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/isa.h"

#include <cstdlib>

#include "base/cpu_features.h"
#include "base/error.h"

namespace emberline::cpu {
namespace {

struct Candidate {
  const char* name;
  const Kernels* kernels;  // null where this build has none
  bool runs;               // the processor and the system allow it
};

}  // namespace

const Kernels& choose_kernels(const std::string& wanted) {
  const CpuFeatures cpu = detect_cpu_features();
  const Candidate candidates[] = {
      {"avx512", avx512_kernels(), cpu.avx512},
      {"avx2", avx2_kernels(), cpu.avx2},
      {"portable", portable_kernels(), true},
  };
  std::string name = wanted;
  std::string source = "isa";
  const char* forced = std::getenv("EMBERLINE_ISA");
  if (name == "auto" && forced != nullptr && *forced != '\0') {
    name = forced;
    source = "EMBERLINE_ISA";
  }
  std::string available;
  bool known = false;
  for (const Candidate& c : candidates) {
    known = known || name == c.name;
    if (c.kernels == nullptr || !c.runs) continue;
    if (name == "auto" || name == c.name) return *c.kernels;
    available += available.empty() ? c.name : std::string(", ") + c.name;
  }
  if (!known) fail(Code::kInvalidArgument, "{}: got \"{}\", expected auto, {}", source, name, available);
  fail(Code::kUnsupported, "{}: this machine ({}) cannot run {}; it has {}", source, cpu.name, name, available);
}

}  // namespace emberline::cpu
