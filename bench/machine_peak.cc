// SPDX-License-Identifier: Apache-2.0
// Prints the f32 GFLOP/s that this many threads reach together, at the machine's widest vectors or at those of an
// instruction set: machine_peak THREADS [ISA]. Built by run.py.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "backend/cpu/peak_probe.h"

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  const std::string widest = __builtin_cpu_supports("avx512f") ? "avx512"
                             : __builtin_cpu_supports("avx2")  ? "avx2"
                                                               : "portable";
  const std::string isa = count > 2 ? arguments[2] : widest;
  std::vector<double> peaks(threads);
  std::vector<std::thread> running;
  for (double& peak : peaks) running.emplace_back([&peak, &isa] { peak = emberline::cpu::peak_gflops(isa); });
  for (std::thread& thread : running) thread.join();
  double sum = 0;
  for (const double peak : peaks) sum += peak;
  std::printf("%.1f\n", sum);
  return 0;
}
