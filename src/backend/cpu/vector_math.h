// SPDX-License-Identifier: Apache-2.0
#pragma once
// Activations on vectors. Included by a kernels_<isa>.cc after its vector_<isa>.h.
// Coefficients are printed by tools/fit_polynomials.py.
#include "backend/ops.h"

namespace emberline::cpu {
namespace {

template <int N>
inline Vec polynomial(const float (&coefficients)[N], Vec x) {
  Vec y = splat(coefficients[N - 1]);
  for (int i = N - 2; i >= 0; --i) y = multiply_add(y, x, splat(coefficients[i]));
  return y;
}

constexpr float kExpTail[] = {0.499999934F, 0.166665206F, 0.0416683881F, 0.008368717F, 0.00138145973F};

// Arguments are clamped to [least, 88]: the result is never denormal, zero or infinite. NaN stays.
inline Vec exponential(Vec x, float least = -87.0F) {
  x = maximum(splat(least), minimum(splat(88.0F), x));
  const Vec n = round_to_even(x * splat(1.44269504F));
  Vec r = multiply_add(n, splat(-0.693359375F), x);  // ln 2 in two parts, the first exact in 10 bits
  r = multiply_add(n, splat(2.12194440e-4F), r);
  const Vec y = multiply_add(r * r, polynomial(kExpTail, r), r) + splat(1.0F);
  return scale_by_power_of_two(y, n);
}

constexpr float kGelu[] = {0.128551932F,    -0.0641723453F,   0.0477374507F,  -0.0387924127F,
                           0.0320737189F,   -0.0260538688F,   0.0203396206F,  -0.0149637468F,
                           0.0103121226F,   -0.00692996378F,  0.004477507F,   -0.00224017112F,
                           0.000841162391F, -0.000673311616F, 0.00059204522F, -0.000190652754F};

// x Phi(x) with the exact normal distribution: absolute error below 6e-7, mostly the rounding of f32 itself.
// x Phi(x) = x / 2 + s g(s), s = x * x, up to |x| = 5.5, where it is max(x, 0) to 1e-7.
inline Vec gelu(Vec x) {
  const Vec s = x * x;
  const Vec t = multiply_add(s, splat(2.0F / 30.25F), splat(-1.0F));
  const Vec inside = multiply_add(s, polynomial(kGelu, t), x * splat(0.5F));
  return choose_less(splat(30.25F), s, maximum(splat(0.0F), x), inside);
}

constexpr float kCoarseGelu[] = {0.398761699F,     -0.0660765763F,  0.00964310688F,   -0.00105501315F, 8.42960118e-05F,
                                 -4.72512139e-06F, 1.74097124e-07F, -3.75437439e-09F, 3.56978362e-11F};

// The same for results that are rounded to bf16 or int8: off by at most 5e-5 below |x| = 4.4, 2e-5 of x above.
// x Phi(x) = x (1 / 2 + x q(s)), with x held to [-4.4, 4.4], where q makes Phi 0 and 1.
inline Vec coarse_gelu(Vec x) {
  const Vec above = maximum(splat(-4.4F), x);
  const Vec held = minimum(splat(4.4F), above);
  return above * multiply_add(held, polynomial(kCoarseGelu, held * held), splat(0.5F));
}

// x / (1 + e^(-y)).
inline Vec times_sigmoid(Vec x, Vec y) {
  return x / (splat(1.0F) + exponential(splat(0.0F) - y));
}

inline Vec gelu_tanh(Vec x) {
  // (1 + tanh(u)) / 2 is the sigmoid of 2 u; 1.59576912 = 2 sqrt(2 / pi).
  const Vec u = x * multiply_add(x * x, splat(0.044715F * 1.59576912F), splat(1.59576912F));
  return times_sigmoid(x, u);
}

constexpr float kTanh[] = {-0.333332839F, 0.133314913F, -0.0537434965F, 0.0206505827F, -0.00571704036F};

inline Vec hyperbolic_tangent(Vec x) {
  const Vec s = x * x;
  const Vec near = multiply_add(x * s, polynomial(kTanh, s), x);
  const Vec e = exponential(splat(-2.0F) * absolute(x));
  const Vec far = with_sign_of(x, (splat(1.0F) - e) / (splat(1.0F) + e));
  return choose_less(absolute(x), splat(0.625F), near, far);
}

inline Vec activated(Vec v, Activation activation) {
  switch (activation) {
    case Activation::kNone: break;
    case Activation::kGelu: return gelu(v);
    case Activation::kGeluTanh: return gelu_tanh(v);
    case Activation::kQuickGelu: return times_sigmoid(v, v * splat(1.702F));
    case Activation::kRelu: return maximum(splat(0.0F), v);
    case Activation::kSilu: return times_sigmoid(v, v);
    case Activation::kTanh: return hyperbolic_tangent(v);
  }
  return v;
}

// Calls body(function) with an activation whose results are rounded to bf16 or int8.
template <typename Body>
inline void with_coarse_activation(Activation activation, Body body) {
  switch (activation) {
    case Activation::kNone: return body([](Vec v) { return v; });
    case Activation::kGelu: return body([](Vec v) { return coarse_gelu(v); });
    case Activation::kGeluTanh: return body([](Vec v) { return gelu_tanh(v); });
    case Activation::kQuickGelu: return body([](Vec v) { return activated(v, Activation::kQuickGelu); });
    case Activation::kRelu: return body([](Vec v) { return activated(v, Activation::kRelu); });
    case Activation::kSilu: return body([](Vec v) { return activated(v, Activation::kSilu); });
    case Activation::kTanh: return body([](Vec v) { return hyperbolic_tangent(v); });
  }
}

template <Activation kActivation>
inline void activate_all(MatrixView x) {
  for (int64_t r = 0; r < x.rows; ++r) {
    float* row = x.data + r * x.row_stride;
    int64_t i = 0;
    for (; i + kLanes <= x.cols; i += kLanes) store(row + i, activated(load(row + i), kActivation));
    if (i < x.cols) {
      const Mask mask = first_lanes(x.cols - i);
      store(row + i, activated(load(row + i, mask), kActivation), mask);
    }
  }
}

[[gnu::noinline]] inline void activate(MatrixView x, Activation activation) {
  switch (activation) {
    case Activation::kNone: break;
    case Activation::kGelu: activate_all<Activation::kGelu>(x); break;
    case Activation::kGeluTanh: activate_all<Activation::kGeluTanh>(x); break;
    case Activation::kQuickGelu: activate_all<Activation::kQuickGelu>(x); break;
    case Activation::kRelu: activate_all<Activation::kRelu>(x); break;
    case Activation::kSilu: activate_all<Activation::kSilu>(x); break;
    case Activation::kTanh: activate_all<Activation::kTanh>(x); break;
  }
}

}  // namespace
}  // namespace emberline::cpu
