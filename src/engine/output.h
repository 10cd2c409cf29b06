// SPDX-License-Identifier: Apache-2.0
#pragma once
// The forms in which a vector may leave the engine (option output): pure functions.
#include <cstdint>
#include <span>
#include <vector>

namespace emberline {

enum class Output { kFloat32, kFloat16, kInt8, kUint8, kBinary, kUbinary };

// What int8 and uint8 stand for: level 0 of dimension i is low[i], and each further one step[i] more.
struct OutputLevels {
  std::vector<float> low;
  std::vector<float> step;
};

// Levels between the least and the largest value of each dimension, 255 steps of them; of a dimension without any
// extent, steps of 1.
OutputLevels levels_between(std::span<const float> least, std::span<const float> largest);

// Of one number; what the bytes of binary and ubinary hold are eight.
int64_t output_alignment(Output output);
// Of a vector of `dim` numbers: 4 each for float32, 2 for float16, 1 for int8 and uint8; a bit for binary and ubinary,
// in whole bytes.
int64_t output_bytes(Output output, int64_t dim);

// Writes output_bytes(output, vector.size()) bytes, coded as sentence-transformers' quantize_embeddings codes them:
// float16 rounds to the nearest, ties to even; int8 and uint8 take the level below a number, the first or the last for
// numbers beyond them, the first for NaN; binary and ubinary hold a bit for each number, set above 0, the first in the
// highest place. int8 is uint8 less 128, and binary ubinary less 128. `levels` matters to int8 and uint8 alone.
void write_output(Output output, const OutputLevels& levels, std::span<const float> vector, uint8_t* out);

}  // namespace emberline
