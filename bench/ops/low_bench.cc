// SPDX-License-Identifier: Apache-2.0
// Operations in bf16 and int8 at the shapes of real encoders, one thread, for every table that this machine runs.
// Columns as in ops_bench; the peak is that of the table's own multiplication.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/aligned_floats.h"
#include "backend/cpu/amx_permission.h"
#include "backend/cpu/low_kernels.h"
#include "backend/cpu/peak_probe.h"
#include "base/cpu_features.h"
#include "base/thread_clock.h"

namespace emberline::cpu {
namespace {

struct Table {
  const char* name;  // also of its peak
  const LowKernels* (*kernels)();
  bool (*runs)(const CpuFeatures& cpu);
};

const Table kTables[] = {
    {"amx_bf16", amx_bf16_kernels, [](const CpuFeatures& cpu) { return cpu.amx_bf16 && amx_permission().granted; }},
    {"amx_int8", amx_int8_kernels, [](const CpuFeatures& cpu) { return cpu.amx_int8 && amx_permission().granted; }},
    {"avx512_bf16", avx512_bf16_kernels, [](const CpuFeatures& cpu) { return cpu.avx512_bf16; }},
    {"avx512_int8", avx512_int8_kernels, [](const CpuFeatures& cpu) { return cpu.avx512_vnni; }},
    {"avxvnni_int8", avxvnni_int8_kernels, [](const CpuFeatures& cpu) { return cpu.avx_vnni; }},
    {"avx2_int8", avx2_int8_kernels, [](const CpuFeatures& cpu) { return cpu.avx2; }},
};

// At a multiple of 64 bytes; in large pages where it is large.
AlignedFloats memory_of(int64_t bytes) {
  return AlignedFloats(bytes / 4 + 16);
}

std::vector<float> random_floats(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (float& v : values) v = uniform(generator);
  return values;
}

MatrixView view(std::vector<float>& values, int64_t rows) {
  const int64_t cols = static_cast<int64_t>(values.size()) / rows;
  return {values.data(), rows, cols, cols};
}

class Operand {
 public:
  Operand(Precision precision, int64_t rows, int64_t cols)
      : memory_(memory_of((rows + kOperandRows) * operand_stride(cols, precision) * bytes_of(precision))),
        scales_(static_cast<size_t>(rows)),
        view_{memory_.data(), scales_.data(), rows, cols, operand_stride(cols, precision)} {}
  const OperandView& view() const { return view_; }

 private:
  AlignedFloats memory_;
  std::vector<float> scales_;
  OperandView view_;
};

// The weights of products that follow each other, again and again, in one piece of memory as an engine's are.
class Network {
 public:
  struct Shape {
    int64_t n, k;
  };

  Network(const LowKernels& kernels, const std::vector<Shape>& shapes)
      : bias_(random_floats(8192)), scales_(bias_.size(), 3.0F / 127.0F), memory_(bytes_of(kernels, shapes)) {
    char* at = reinterpret_cast<char*>(memory_.data());
    for (const Shape& shape : shapes) {
      std::vector<float> values = random_floats(shape.n * shape.k);
      for (float& v : values) v *= 3.0F;
      kernels.pack(view(values, shape.n), scales_.data(), at);
      products_.push_back({at, bias_.data(), scales_.data(), shape.k, shape.n});
      at += kernels.packed_bytes(shape.n, shape.k);
    }
    // Sums are about as large as those of real encoders.
    for (float& scale : scales_) scale /= std::sqrt(static_cast<float>(shapes.front().k));
    for (size_t i = 0; i < shapes.size(); ++i) {
      const size_t next = (i + 1) % shapes.size();
      products_[i].next = products_[next].data;
      products_[i].next_bytes = kernels.packed_bytes(shapes[next].n, shapes[next].k);
    }
  }

  const PackedView& next() {
    turn_ = (turn_ + 1) % products_.size();
    return products_[turn_];
  }

 private:
  static AlignedFloats bytes_of(const LowKernels& kernels, const std::vector<Shape>& shapes) {
    int64_t bytes = 0;
    for (const Shape& shape : shapes) bytes += kernels.packed_bytes(shape.n, shape.k);
    return memory_of(bytes);
  }

  std::vector<float> bias_;
  std::vector<float> scales_;
  AlignedFloats memory_;
  std::vector<PackedView> products_;
  size_t turn_ = static_cast<size_t>(-1);
};

// Runs `pass` until the benchmark has enough.
void measure(benchmark::State& state, const Table& table, double flops, double tokens,
             const std::function<void()>& pass) {
  double peak = peak_gflops(table.name);
  pass();
  std::vector<double> times;
  for (auto step : state) {
    (void)step;
    const double start = thread_seconds();
    pass();
    times.push_back(thread_seconds() - start);
  }
  peak = std::max(peak, peak_gflops(table.name));
  std::sort(times.begin(), times.end());
  const double time = times[times.size() / 10];
  const double gflops = flops / time * 1e-9;
  state.counters["GFLOP/s"] = gflops;
  state.counters["peak"] = peak;
  state.counters["share%"] = 100 * gflops / peak;
  state.counters["ns/token"] = time / tokens * 1e9;
}

enum Result : int64_t { kFloats, kOperand, kOperandGelu, kBf16Rows };

// tokens, out_features, in_features, result, and whether the weights are the same each time; else they rotate over 12 M
// numbers, as a network's layers do.
void product(benchmark::State& state, const Table& table) {
  const LowKernels& kernels = *table.kernels();
  const int64_t tokens = state.range(0);
  const int64_t n = state.range(1);
  const int64_t k = state.range(2);
  const auto result = static_cast<Result>(state.range(3));
  const int64_t layers = state.range(4) != 0 ? 1 : std::max<int64_t>(2, (12 << 20) / (n * k));
  Network network(kernels, std::vector<Network::Shape>(static_cast<size_t>(layers), {n, k}));
  std::vector<float> values = random_floats(tokens * k);
  const Operand x(kernels.precision, tokens, k);
  kernels.quantise(view(values, tokens), nullptr, x.view());
  const AlignedFloats floats = memory_of(tokens * n * 4);
  const Operand operand(kernels.precision, tokens, n);
  const Operand half(Precision::kBf16, tokens, n);
  const Bf16View rows = {static_cast<uint16_t*>(half.view().data), tokens, n, half.view().row_stride};
  const AlignedFloats scratch = memory_of(kernels.scratch_bytes(n));
  if (result == kBf16Rows && kernels.product_bf16 == nullptr) return state.SkipWithError("none");
  measure(state, table, 2.0 * static_cast<double>(tokens * n * k), static_cast<double>(tokens), [&] {
    const PackedView& w = network.next();
    switch (result) {
      case kFloats: return kernels.product(x.view(), w, Activation::kNone, {floats.data(), tokens, n, n});
      case kOperand: return kernels.product_activated(x.view(), w, Activation::kNone, operand.view(), scratch.data());
      case kOperandGelu:
        return kernels.product_activated(x.view(), w, Activation::kGelu, operand.view(), scratch.data());
      case kBf16Rows: return kernels.product_bf16(x.view(), w, Activation::kNone, rows);
    }
  });
}

// The feed-forward half of a layer, its weights the next of 6 layers each time: hidden, ffn, tokens.
void feed_forward(benchmark::State& state, const Table& table) {
  const LowKernels& kernels = *table.kernels();
  const int64_t hidden = state.range(0);
  const int64_t ffn = state.range(1);
  const int64_t tokens = state.range(2);
  std::vector<Network::Shape> shapes;
  for (int i = 0; i < 6; ++i) shapes.insert(shapes.end(), {{ffn, hidden}, {hidden, ffn}});
  Network network(kernels, shapes);
  std::vector<float> values = random_floats(tokens * hidden);
  const AlignedFloats part_floats = memory_of(tokens * hidden * 4);
  const MatrixView part = {part_floats.data(), tokens, hidden, hidden};
  const std::vector<float> gain = random_floats(hidden);
  const Operand x(kernels.precision, tokens, hidden);
  const Operand wide(kernels.precision, tokens, ffn);
  const AlignedFloats scratch = memory_of(kernels.scratch_bytes(ffn));
  kernels.quantise(view(values, tokens), nullptr, x.view());
  measure(state, table, 4.0 * static_cast<double>(tokens * hidden * ffn), static_cast<double>(tokens), [&] {
    kernels.product_activated(x.view(), network.next(), Activation::kGelu, wide.view(), scratch.data());
    kernels.product(wide.view(), network.next(), Activation::kNone, part);
    kernels.norm(part, view(values, tokens), {gain.data(), gain.data(), 1e-12F}, nullptr, view(values, tokens),
                 x.view());
  });
}

void norm(benchmark::State& state, const Table& table) {
  const LowKernels& kernels = *table.kernels();
  const int64_t tokens = 256;
  const int64_t hidden = state.range(0);
  std::vector<float> x = random_floats(tokens * hidden);
  std::vector<float> residual = random_floats(tokens * hidden);
  std::vector<float> out(x.size());
  const std::vector<float> gain = random_floats(hidden);
  const Operand operand(kernels.precision, tokens, hidden);
  measure(state, table, 8.0 * static_cast<double>(tokens * hidden), static_cast<double>(tokens), [&] {
    kernels.norm(view(x, tokens), view(residual, tokens), {gain.data(), gain.data(), 1e-12F}, nullptr,
                 view(out, tokens), operand.view());
  });
}

void register_table(const Table& table) {
  const auto name = [&](const char* operation) { return std::string(operation) + "/" + table.name; };
  auto* products = benchmark::RegisterBenchmark(name("product").c_str(), product, table);
  products->ArgNames({"tokens", "n", "k", "result", "same"});
  const auto add = [&](int64_t tokens, int64_t n, int64_t k, Result result) {
    for (const int64_t same : {0, 1}) products->Args({tokens, n, k, result, same});
  };
  for (const int64_t tokens : {64, 128, 256, 512}) {
    add(tokens, 1152, 384, kBf16Rows);
    add(tokens, 384, 384, kFloats);
    add(tokens, 1536, 384, kOperandGelu);
    add(tokens, 384, 1536, kFloats);
  }
  add(256, 1152, 384, kFloats);
  add(256, 1536, 384, kOperand);
  add(256, 2304, 768, kBf16Rows);
  add(256, 768, 768, kFloats);
  add(256, 3072, 768, kOperandGelu);
  add(256, 768, 3072, kFloats);
  auto* halves = benchmark::RegisterBenchmark(name("feed_forward").c_str(), feed_forward, table);
  halves->ArgNames({"hidden", "ffn", "tokens"});
  for (const int64_t tokens : {128, 256, 512}) halves->Args({384, 1536, tokens})->Args({768, 3072, tokens});
  benchmark::RegisterBenchmark(name("norm").c_str(), norm, table)->ArgName("hidden")->Arg(384)->Arg(768);
}

}  // namespace
}  // namespace emberline::cpu

int main(int argc, char** argv) {
  const emberline::CpuFeatures cpu = emberline::detect_cpu_features();
  std::printf("%s\n", cpu.name.c_str());
  for (const emberline::cpu::Table& table : emberline::cpu::kTables) {
    if (table.kernels() != nullptr && table.runs(cpu)) emberline::cpu::register_table(table);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
