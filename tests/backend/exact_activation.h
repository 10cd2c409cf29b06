// SPDX-License-Identifier: Apache-2.0
#pragma once
// The activations as they are defined, in double: what those of kernels are held against.
#include <cmath>

#include "backend/ops.h"

namespace emberline {

// erfc keeps its digits where 1 + erf cancels.
inline double exact_activation(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu: return x > 0 ? x : 0;
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kTanh: return std::tanh(x);
  }
  return 0;
}

}  // namespace emberline
