// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a short built-in text shows of a model's numbers, for products in int8.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/head.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace emberline {

int64_t num_builtin_texts();

// What the built-in text gives in f32.
struct Calibration {
  std::vector<std::vector<float>> factors;  // what Encoder takes
  std::vector<float> vectors;               // [num_texts, dim]: finished as the model says
};

// Packs the network on a backend of its own for one pass, some ten milliseconds for a small model. Throws what Encoder
// does.
Calibration calibrate(const ModelConfig& config, const Weights& weights, const Tokenizer& tokenizer,
                      const Backend& backend);

// The built-in text's vectors, [num_texts, dim], as another precision makes them.
std::vector<float> vectors_of_text(const ModelConfig& config, const Tokenizer& tokenizer, const Backend& backend,
                                   const Encoder& encoder, const Head& head);

// Cosines between vectors and those that they stand for.
struct Agreement {
  double mean = 1;
  double worst = 1;
  int64_t num_texts = 0;
};

// What int8 should reach.
inline constexpr Agreement kGoodAgreement = {.mean = 0.998, .worst = 0.99, .num_texts = 0};

// What it must reach: all of it for decoders, which lose the most, less for others, since 7-bit weights bring good
// encoders to between the two.
Agreement least_agreement(const NetworkConfig& network);

// Throws Error(kUnsupported) where int8 vectors fall below that; `model` and `isa` are for the message.
void require_agreement(const Agreement& int8, const NetworkConfig& network, const std::string& model,
                       const std::string& isa);

// Both [num_texts, dim]. A NaN makes the mean NaN.
Agreement agreement_of(std::span<const float> vectors, std::span<const float> exact, int64_t num_texts);

}  // namespace emberline
