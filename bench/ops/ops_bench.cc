// SPDX-License-Identifier: Apache-2.0
// Each operation of the CPU backend at the shapes of real encoders, one thread. Columns: GFLOP/s of a pass that was
// disturbed little (the fastest but a tenth), the multiply-add peak and the share of it, and nanoseconds a token, in
// processor time. The peak is the median of probes after each pass, because processors lower their clock under such
// work and raise it again within milliseconds. Force an instruction set with EMBERLINE_ISA.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/peak_probe.h"
#include "base/cpu_features.h"
#include "base/error.h"
#include "base/thread_clock.h"

namespace emberline {
namespace {

const Backend& backend() {
  static const std::unique_ptr<Backend> instance = make_cpu_backend("auto", DType::kF32);
  return *instance;
}

std::unique_ptr<Buffer> random_floats(int64_t count) {
  auto buffer = backend().allocate(count);
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  for (int64_t i = 0; i < count; ++i) buffer->data()[i] = uniform(generator);
  return buffer;
}

MatrixView view(const Buffer& buffer, int64_t rows, int64_t cols) {
  return {buffer.data(), rows, cols, cols};
}

std::unique_ptr<Linear> random_linear(const Backend& device, int64_t out_features, int64_t in_features) {
  const auto weight = random_floats(out_features * in_features);
  const auto bias = random_floats(out_features);
  const LinearPart part = {
      {"weight", DType::kF32, {out_features, in_features}, reinterpret_cast<const std::byte*>(weight->data())},
      TensorView{"bias", DType::kF32, {out_features}, reinterpret_cast<const std::byte*>(bias->data())}};
  return device.make_linear(std::span(&part, 1), {});
}

// Runs `pass` until the benchmark has enough.
void measure(benchmark::State& state, double flops, double tokens, const std::function<void()>& pass) {
  const std::string isa = backend().describe();
  pass();  // pages and scratch come with the first
  std::vector<double> times;
  std::vector<double> peaks;
  for (auto step : state) {
    (void)step;
    const double start = thread_seconds();
    pass();
    times.push_back(thread_seconds() - start);
    state.PauseTiming();
    peaks.push_back(cpu::burst_gflops(isa));
    state.ResumeTiming();
  }
  std::sort(times.begin(), times.end());
  std::sort(peaks.begin(), peaks.end());
  const double peak = peaks[peaks.size() / 2];
  const double time = times[times.size() / 10];
  const double gflops = flops / time * 1e-9;
  state.counters["GFLOP/s"] = gflops;
  state.counters["peak"] = peak;
  state.counters["share%"] = 100 * gflops / peak;
  state.counters["ns/token"] = time / tokens * 1e9;
}

// tokens, out_features, in_features, activation. Weights rotate over 48 MB, as a network's layers do.
void linear(benchmark::State& state) {
  const int64_t tokens = state.range(0);
  const int64_t n = state.range(1);
  const int64_t k = state.range(2);
  const auto activation = static_cast<Activation>(state.range(3));
  std::vector<std::unique_ptr<Linear>> layers;
  for (int64_t i = 0; i < std::max<int64_t>(1, (12 << 20) / (n * k)); ++i)
    layers.push_back(random_linear(backend(), n, k));
  const auto x = random_floats(tokens * k);
  const auto out = random_floats(tokens * n);
  const auto stream = backend().make_stream(1);
  size_t layer = 0;
  measure(state, 2.0 * static_cast<double>(tokens * n * k), static_cast<double>(tokens), [&] {
    stream->dense(view(*x, tokens, k), *layers[layer++ % layers.size()], activation, view(*out, tokens, n));
  });
}

// heads, head_dim, length of a sequence; a batch of about 512 tokens.
void attention(benchmark::State& state) {
  const AttentionShape shape = {state.range(0), state.range(1), 1.0F / std::sqrt(static_cast<float>(state.range(1)))};
  const int64_t len = state.range(2);
  const int64_t hidden = shape.num_heads * shape.head_dim;
  const int64_t tokens = (512 + len - 1) / len * len;
  const auto qkv = random_floats(tokens * 3 * hidden);
  const auto out = random_floats(tokens * hidden);
  cpu::Attention within(*cpu::choose_isa("auto", DType::kF32).kernels);
  measure(state, 4.0 * static_cast<double>(tokens * len * hidden), static_cast<double>(tokens), [&] {
    for (int64_t first = 0; first < tokens; first += len) {
      within.run(rows_of(view(*qkv, tokens, 3 * hidden), first, len), 0, shape.num_heads, shape,
                 rows_of(view(*out, tokens, hidden), first, len));
    }
  });
}

void norm(benchmark::State& state) {
  const int64_t tokens = 256;
  const int64_t hidden = state.range(0);
  const NormWeights weights = {random_floats(hidden), random_floats(hidden), nullptr, 1e-12F};
  const auto x = random_floats(tokens * hidden);
  const auto residual = random_floats(tokens * hidden);
  const auto out = random_floats(tokens * hidden);
  const auto stream = backend().make_stream(1);
  measure(state, 8.0 * static_cast<double>(tokens * hidden), static_cast<double>(tokens), [&] {
    stream->norm(view(*x, tokens, hidden), view(*residual, tokens, hidden), weights, view(*out, tokens, hidden),
                 nullptr);
  });
}

// What an activation costs: a product of depth 1 with it.
void activation(benchmark::State& state) {
  const int64_t tokens = 64;
  const int64_t n = 1536;
  const auto kind = static_cast<Activation>(state.range(0));
  const auto one = random_linear(backend(), n, 1);
  const auto x = random_floats(tokens);
  const auto out = random_floats(tokens * n);
  const auto stream = backend().make_stream(1);
  measure(state, static_cast<double>(tokens * n), static_cast<double>(tokens),
          [&] { stream->dense(view(*x, tokens, 1), *one, kind, view(*out, tokens, n)); });
}

// One encoder layer after another with weights of their own: hidden, ffn, heads, layers, tokens of the batch, length of
// a sequence, dtype.
void encoder(benchmark::State& state) {
  const int64_t hidden = state.range(0);
  const int64_t ffn = state.range(1);
  const int64_t heads = state.range(2);
  const int64_t tokens = state.range(4);
  const int64_t len = state.range(5);
  const AttentionShape shape = {heads, hidden / heads, 1.0F / std::sqrt(static_cast<float>(hidden / heads))};
  std::unique_ptr<Backend> device;
  try {
    device = make_cpu_backend("auto", static_cast<DType>(state.range(6)));
  } catch (const Error& error) {
    state.SkipWithError(error.what());
    return;
  }
  struct Layer {
    std::unique_ptr<Linear> qkv, output, up, down;
  };
  std::vector<Layer> layers;
  for (int64_t i = 0; i < state.range(3); ++i) {
    layers.push_back({random_linear(*device, 3 * hidden, hidden), random_linear(*device, hidden, hidden),
                      random_linear(*device, ffn, hidden), random_linear(*device, hidden, ffn)});
  }
  std::vector<Linear*> order;
  for (const Layer& layer : layers) {
    order.insert(order.end(), {layer.qkv.get(), layer.output.get(), layer.up.get(), layer.down.get()});
  }
  device->set_reading_order(order);
  const NormWeights weights = {random_floats(hidden), random_floats(hidden), nullptr, 1e-12F};
  std::vector<int64_t> offsets = {0};
  while (offsets.back() < tokens) offsets.push_back(std::min(tokens, offsets.back() + len));
  const auto x = random_floats(tokens * hidden);
  const auto part = random_floats(tokens * hidden);
  const auto stream = device->make_stream(1);
  const auto normed = device->make_operand();
  const auto attended = device->make_operand();
  const MatrixView xs = view(*x, tokens, hidden);
  const MatrixView parts = view(*part, tokens, hidden);
  stream->norm(xs, {}, weights, xs, normed.get());
  const double flops_per_token = 2.0 * static_cast<double>(4 * hidden * hidden + 2 * hidden * ffn + 2 * len * hidden);
  measure(state, flops_per_token * static_cast<double>(tokens * state.range(3)), static_cast<double>(tokens), [&] {
    for (const Layer& layer : layers) {
      stream->self_attention(*normed, *layer.qkv, offsets, shape, *attended);
      stream->linear(*attended, *layer.output, Activation::kNone, parts);
      stream->norm(parts, xs, weights, xs, normed.get());
      stream->feed_forward(*normed, *layer.up, Activation::kGelu, *layer.down, parts);
      stream->norm(parts, xs, weights, xs, normed.get());
    }
  });
}

constexpr auto kF32 = static_cast<int64_t>(DType::kF32);
constexpr auto kBF16 = static_cast<int64_t>(DType::kBF16);
constexpr auto kI8 = static_cast<int64_t>(DType::kI8);
constexpr auto kNone = static_cast<int64_t>(Activation::kNone);
constexpr auto kGelu = static_cast<int64_t>(Activation::kGelu);

BENCHMARK(linear)
    ->ArgNames({"tokens", "n", "k", "act"})
    ->Args({128, 1152, 384, kNone})
    ->Args({128, 384, 384, kNone})
    ->Args({128, 1536, 384, kGelu})
    ->Args({128, 384, 1536, kNone})
    ->Args({512, 1152, 384, kNone})
    ->Args({512, 1536, 384, kGelu})
    ->Args({512, 384, 1536, kNone})
    ->Args({16, 1152, 384, kNone})
    ->Args({256, 2304, 768, kNone})
    ->Args({256, 768, 768, kNone})
    ->Args({256, 3072, 768, kGelu})
    ->Args({256, 768, 3072, kNone})
    ->Args({256, 1024, 4096, kNone});
BENCHMARK(attention)
    ->ArgNames({"heads", "dim", "len"})
    ->Args({12, 32, 40})
    ->Args({12, 32, 128})
    ->Args({12, 32, 512})
    ->Args({12, 64, 128});
BENCHMARK(norm)->ArgName("hidden")->Arg(384)->Arg(768);
BENCHMARK(activation)->ArgName("act")->DenseRange(0, 6);
BENCHMARK(encoder)
    ->ArgNames({"hidden", "ffn", "heads", "layers", "tokens", "len", "dtype"})
    ->ArgsProduct({{384}, {1536}, {12}, {6}, {128, 256, 512, 1024}, {128}, {kF32, kBF16, kI8}})
    ->ArgsProduct({{384}, {1536}, {12}, {6}, {256, 512}, {40}, {kF32, kBF16, kI8}})
    ->ArgsProduct({{768}, {3072}, {12}, {4}, {256, 512}, {128}, {kF32, kBF16, kI8}});

}  // namespace
}  // namespace emberline

int main(int argc, char** argv) {
  std::printf("%s, %s\n", emberline::detect_cpu_features().name.c_str(), emberline::backend().describe().c_str());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
