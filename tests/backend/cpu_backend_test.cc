// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "backend/backend_fixture.h"

// AddressSanitizer ends the process on an impossible size unless told to fail like the real allocator.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

namespace emberline {
namespace {

// Sets EMBERLINE_ISA for one test and puts back what was there.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* value) {
    const char* before = std::getenv("EMBERLINE_ISA");
    if (before != nullptr) before_ = before;
    ::setenv("EMBERLINE_ISA", value, 1);
  }
  ~ForcedIsa() {
    if (before_.empty()) ::unsetenv("EMBERLINE_ISA");
    if (!before_.empty()) ::setenv("EMBERLINE_ISA", before_.c_str(), 1);
  }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::string before_;
};

Error error_of(const std::string& isa, DType dtype = DType::kF32) {
  try {
    make_cpu_backend(isa, dtype);
  } catch (const Error& error) {
    return error;
  }
  return Error(Code::kInternal, "no error");
}

TEST(CpuBackend, EnvironmentDoesNotChooseTheKernels) {
  const ForcedIsa forced("portable");
  EXPECT_EQ(make_cpu_backend("auto", DType::kF32)->describe(), "portable");
}

TEST(CpuBackend, EnvironmentOverridesAnExplicitChoice) {
  const ForcedIsa forced("no such thing");
  EXPECT_EQ(make_cpu_backend("portable", DType::kF32)->describe(), "portable");
}

TEST(CpuBackend, EmptyEnvironmentCountsAsAChoice) {
  const ForcedIsa forced("");
  const std::string best = machine_runs("avx512") ? "avx512" : machine_runs("avx2") ? "avx2" : "portable";
  EXPECT_EQ(make_cpu_backend("auto", DType::kF32)->describe(), best);
}

TEST(CpuBackend, MisspeltChoiceIsIgnored) {
  const ForcedIsa forced("avx521");
  const Error error = error_of("auto");
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  const std::string text = error.what();
  EXPECT_NE(text.find("EMBERLINE_ISA"), std::string::npos) << text;
  EXPECT_NE(text.find("avx521"), std::string::npos) << text;
  EXPECT_NE(text.find("portable"), std::string::npos) << text;
}

TEST(CpuBackend, MissingInstructionSetFallsBackSilently) {
  for (const std::string isa : {"avx2", "avx512"}) {
    if (machine_runs(isa)) {
      EXPECT_EQ(make_cpu_backend(isa, DType::kF32)->describe(), isa);
    } else {
      const Error error = error_of(isa);
      EXPECT_EQ(error.code(), Code::kUnsupported);
      EXPECT_NE(std::string(error.what()).find("it has"), std::string::npos) << error.what();
    }
  }
}

TEST(CpuBackend, DtypeThatItLacksIsComputedInAnotherSilently) {
  const Error half = error_of("auto", DType::kF16);
  EXPECT_EQ(half.code(), Code::kUnsupported);
  EXPECT_NE(std::string(half.what()).find("f16"), std::string::npos) << half.what();
  EXPECT_EQ(make_cpu_backend("portable", DType::kBF16)->dtype(), DType::kBF16);
  EXPECT_EQ(make_cpu_backend("auto", DType::kI8)->dtype(), DType::kI8);
  if (!machine_runs("avx2")) GTEST_SKIP() << "this processor has no avx2";
  const Error bf16 = error_of("avx2", DType::kBF16);
  EXPECT_EQ(bf16.code(), Code::kUnsupported);
  EXPECT_NE(std::string(bf16.what()).find("avx2 multiplies no bf16"), std::string::npos) << bf16.what();
  EXPECT_NE(std::string(bf16.what()).find("it has f32, int8"), std::string::npos) << bf16.what();
}

TEST(CpuBackend, AutoTakesADtypeThatTheForcedInstructionSetLacks) {
  const ForcedIsa forced("avx2");
  EXPECT_EQ(fastest_dtype(), DType::kF32);
}

TEST(CpuBackend, PeakOfWhatItMultipliesWithIsUnknown) {
  for (const std::string isa : {"portable", "avx2", "avxvnni", "avx512", "amx"}) {
    for (const DType dtype : {DType::kF32, DType::kBF16, DType::kI8}) {
      if (error_of(isa, dtype).code() == Code::kUnsupported) continue;
      const auto backend = make_cpu_backend(isa, dtype);
      EXPECT_GT(backend->measured_peak(2), 1e8) << isa << " " << dtype_name(dtype);
    }
  }
}

TEST(CpuBackend, MemoryIsMisalignedOrMissing) {
  const auto backend = make_cpu_backend("auto", DType::kF32);
  for (const int64_t floats : {int64_t{1}, int64_t{15}, int64_t{1000}, int64_t{1} << 21}) {
    const auto buffer = backend->allocate(floats);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0U);
    EXPECT_GE(buffer->size(), floats);
    buffer->data()[floats - 1] = 1.0F;
  }
  EXPECT_EQ(backend->allocate(0)->size(), 0);
}

TEST(CpuBackend, ImpossibleSizeIsNoError) {
  const auto backend = make_cpu_backend("auto", DType::kF32);
  for (const int64_t floats : {int64_t{-1}, int64_t{1} << 45, std::numeric_limits<int64_t>::max()}) {
    try {
      backend->allocate(floats);
      FAIL() << floats << " floats were allocated";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kOutOfMemory) << error.what();
    }
  }
}

TEST(CpuBackend, InstructionSetsDisagree) {
  // Other lanes and roundings, but one model: what they give may differ by rounding alone.
  Matrix x = Matrix::random(20, 384, 1);
  const HostTensor weight = HostTensor::of("w", Matrix::random(100, 384, 2, 0.05F));
  const LinearPart part = {weight.view, std::nullopt};
  std::vector<Matrix> results;
  for (const std::string isa : {"portable", "avx2", "avx512"}) {
    if (!machine_runs(isa)) continue;
    const auto backend = make_cpu_backend(isa, DType::kF32);
    const auto linear = backend->make_dense(part);
    results.emplace_back(20, 100);
    backend->make_stream(1)->dense(x.view(), *linear, Activation::kGelu, results.back().view());
  }
  for (const Matrix& result : results) {
    for (int64_t r = 0; r < 20; ++r) {
      for (int64_t c = 0; c < 100; ++c) ASSERT_NEAR(result.at(r, c), results[0].at(r, c), 3e-6);
    }
  }
}

}  // namespace
}  // namespace emberline
