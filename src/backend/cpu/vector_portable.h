// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vectors for any processor: 4 lanes in the compiler's own vector type, multiplication and addition rounded one after
// the other. For kernels_<isa>.cc only.
#include <stdint.h>

namespace emberline::cpu {
namespace {

using Vec = float __attribute__((vector_size(16)));
using Ints = int32_t __attribute__((vector_size(16)));

constexpr int kLanes = 4;

struct Mask {
  int64_t count;
};

inline Mask first_lanes(int64_t count) {
  return {count};
}

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
inline Vec splat(float x) {
  return Vec{x, x, x, x};
}
inline Vec load_or(const float* p, Mask mask, float other) {
  Vec v = splat(other);
  for (int i = 0; i < kLanes; ++i) {
    if (i < mask.count) v[i] = p[i];
  }
  return v;
}
inline Vec load(const float* p, Mask mask) {
  return load_or(p, mask, 0.0F);
}
inline void store(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof(v));
}
inline void store(float* p, Vec v, Mask mask) {
  for (int i = 0; i < kLanes; ++i) {
    if (i < mask.count) p[i] = v[i];
  }
}
inline Vec keep(Vec v, Mask mask) {
  for (int i = 0; i < kLanes; ++i) {
    if (i >= mask.count) v[i] = 0.0F;
  }
  return v;
}

inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return a * b + c;
}
// Where either is NaN: the second.
inline Vec minimum(Vec a, Vec b) {
  return a < b ? a : b;
}
inline Vec maximum(Vec a, Vec b) {
  return a > b ? a : b;
}
inline Vec absolute(Vec v) {
  return (Vec)((Ints)v & Ints{INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX});
}
inline Vec with_sign_of(Vec sign, Vec magnitude) {
  const Ints bit = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
  return (Vec)(((Ints)sign & bit) | (Ints)magnitude);
}
// Adding and taking away 1.5 * 2^23 leaves no room for a fraction; right for |v| < 2^22.
inline Vec round_to_even(Vec v) {
  const Vec large = splat(12582912.0F);
  return (v + large) - large;
}
// v * 2^n for whole n in [-126, 127].
inline Vec scale_by_power_of_two(Vec v, Vec n) {
  // The sum's low bits hold the whole number n + 127, as round_to_even's do.
  const Ints exponent = (Ints)(n + splat(12582912.0F + 127.0F)) << 23;
  return v * (Vec)exponent;
}
// a < b ? x : y; y where either is NaN.
inline Vec choose_less(Vec a, Vec b, Vec x, Vec y) {
  return a < b ? x : y;
}
// x where a is a number, y where it is NaN.
inline Vec choose_number(Vec a, Vec x, Vec y) {
  return a == a ? x : y;
}

inline float sum_lanes(Vec v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}
inline float largest_lane(Vec v) {
  const float a = v[0] > v[2] ? v[0] : v[2];
  const float b = v[1] > v[3] ? v[1] : v[3];
  return a > b ? a : b;
}

// Rows become columns, in place.
inline void transpose(Vec (&rows)[kLanes]) {
  for (int r = 0; r < kLanes; ++r) {
    for (int c = 0; c < r; ++c) {
      const float below = rows[r][c];
      rows[r][c] = rows[c][r];
      rows[c][r] = below;
    }
  }
}

// The larger of top and |v| as bit patterns, so that NaN is larger than any number and stays; top has no sign.
inline Vec larger_magnitude(Vec top, Vec v) {
  const Vec magnitude = absolute(v);
  return (Ints)top > (Ints)magnitude ? top : magnitude;
}
// The same over lanes without signs.
inline float largest_magnitude(Vec v) {
  Vec top = larger_magnitude(v, Vec{v[2], v[3], v[0], v[1]});
  top = larger_magnitude(top, Vec{top[1], top[0], top[3], top[2]});
  return top[0];
}

// Lanes in [-127, 127], rounded to even; NaN becomes any number.
inline void store_int8(int8_t* p, Vec v) {
  const Ints whole = __builtin_convertvector(round_to_even(maximum(splat(-128.0F), minimum(v, splat(127.0F)))), Ints);
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<int8_t>(whole[i]);
}
// The same for four vectors in a row.
inline void store_int8(int8_t* p, Vec a, Vec b, Vec c, Vec d) {
  store_int8(p, a);
  store_int8(p + kLanes, b);
  store_int8(p + 2 * kLanes, c);
  store_int8(p + 3 * kLanes, d);
}

// Rounded to even, as vcvtneps2bf16 does it: denormals become zeros of their sign, NaN stays NaN.
inline void store_bf16(uint16_t* p, Vec v) {
  using Words = uint32_t __attribute__((vector_size(16)));
  const Words bits = (Words)v;
  const Words rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const Words quiet = (bits >> 16) | 0x40U;
  const Words zero = (bits >> 16) & 0x8000U;
  const Words number = absolute(v) < splat(0x1p-126F) ? zero : rounded;
  const Words half = v == v ? number : quiet;
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<uint16_t>(half[i]);
}

}  // namespace
}  // namespace emberline::cpu
