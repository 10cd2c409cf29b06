// SPDX-License-Identifier: Apache-2.0
#pragma once
// A device for tests: computes as the CPU does, and has little memory, or one queue, or fails, as a test wants.
#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <thread>

#include "backend/backend.h"
#include "base/error.h"

namespace emberline::testing {

// Set by a test at any time; outlives the device.
struct FakeDeviceControls {
  bool as_bad_alloc = false;  // how memory runs out: else as Error(kOutOfMemory)
  bool shares_batches = false;
  std::atomic<int64_t> most_floats{int64_t{1} << 40};  // of one allocation
  std::atomic<int64_t> refused{0};                     // allocations that were larger
  std::atomic<bool> broken{false};                     // every allocation is a device error
  std::atomic<bool> closed{false};                     // streams are not made before this is false again
};

class FakeDevice : public Backend {
 public:
  explicit FakeDevice(FakeDeviceControls& controls) : controls_(controls) {}

  bool shares_batches() const override { return controls_.shares_batches; }
  std::string describe() const override { return device_->describe(); }
  DType dtype() const override { return device_->dtype(); }
  std::unique_ptr<Buffer> allocate(int64_t floats) const override {
    const int64_t most = controls_.most_floats;
    if (controls_.broken) fail(Code::kDevice, "allocate: the device is gone");
    if (floats > most) {
      ++controls_.refused;
      if (controls_.as_bad_alloc) throw std::bad_alloc();
      fail(Code::kOutOfMemory, "allocate: got {} floats, expected at most {}", floats, most);
    }
    return device_->allocate(floats);
  }
  std::unique_ptr<Buffer> upload(const TensorView& tensor) const override { return device_->upload(tensor); }
  std::unique_ptr<Linear> make_linear(std::span<const LinearPart> parts,
                                      std::span<const float> input_factors) const override {
    return device_->make_linear(parts, input_factors);
  }
  std::unique_ptr<Linear> make_dense(const LinearPart& part) const override { return device_->make_dense(part); }
  std::unique_ptr<Operand> make_operand() const override { return device_->make_operand(); }
  std::unique_ptr<Backend> make_exact() const override { return device_->make_exact(); }
  std::unique_ptr<Stream> make_stream(int64_t threads) const override {
    while (controls_.closed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return device_->make_stream(threads);
  }
  int64_t preferred_batch_tokens(int64_t hidden, int64_t ffn) const override {
    return device_->preferred_batch_tokens(hidden, ffn);
  }

 private:
  FakeDeviceControls& controls_;
  std::unique_ptr<Backend> device_ = make_cpu_backend("auto", DType::kF32);
};

}  // namespace emberline::testing
