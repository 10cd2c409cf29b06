// SPDX-License-Identifier: Apache-2.0
#include "engine/output.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/convert.h"

namespace emberline {
namespace {

constexpr float kSteps = 255;
constexpr uint8_t kSignBit = 0x80;  // turned over, it takes 128 off a byte

uint8_t level(float value, float low, float step) {
  const float below = std::floor((value - low) / step);
  return below > 0 ? static_cast<uint8_t>(std::min(below, kSteps)) : 0;  // NaN, too, is 0: no byte stands for it
}

void write_levels(const OutputLevels& levels, std::span<const float> vector, uint8_t turned, uint8_t* out) {
  for (size_t i = 0; i < vector.size(); ++i) {
    out[i] = static_cast<uint8_t>(level(vector[i], levels.low[i], levels.step[i]) ^ turned);
  }
}

void write_bits(std::span<const float> vector, uint8_t turned, uint8_t* out) {
  for (size_t begin = 0; begin < vector.size(); begin += 8) {
    unsigned bits = 0;
    for (size_t i = begin; i < std::min(begin + 8, vector.size()); ++i) {
      if (vector[i] > 0) bits |= 0x80U >> (i - begin);
    }
    *out++ = static_cast<uint8_t>(bits ^ turned);
  }
}

void write_halves(std::span<const float> vector, uint8_t* out) {
  for (const float value : vector) {
    const uint16_t half = to_f16(value);
    std::memcpy(out, &half, sizeof(half));
    out += sizeof(half);
  }
}

}  // namespace

OutputLevels levels_between(std::span<const float> least, std::span<const float> largest) {
  OutputLevels levels;
  levels.low.assign(least.begin(), least.end());
  for (size_t i = 0; i < least.size(); ++i) {
    const float step = (largest[i] - least[i]) / kSteps;
    levels.step.push_back(step == 0 ? 1 : step);
  }
  return levels;
}

int64_t output_alignment(Output output) {
  switch (output) {
    case Output::kFloat32: return sizeof(float);
    case Output::kFloat16: return sizeof(uint16_t);
    default: return 1;
  }
}

int64_t output_bytes(Output output, int64_t dim) {
  const bool is_bits = output == Output::kBinary || output == Output::kUbinary;
  return is_bits ? (dim + 7) / 8 : dim * output_alignment(output);
}

void write_output(Output output, const OutputLevels& levels, std::span<const float> vector, uint8_t* out) {
  switch (output) {
    case Output::kFloat32: std::memcpy(out, vector.data(), vector.size_bytes()); return;
    case Output::kFloat16: return write_halves(vector, out);
    case Output::kInt8: return write_levels(levels, vector, kSignBit, out);
    case Output::kUint8: return write_levels(levels, vector, 0, out);
    case Output::kBinary: return write_bits(vector, kSignBit, out);
    case Output::kUbinary: return write_bits(vector, 0, out);
  }
}

}  // namespace emberline
