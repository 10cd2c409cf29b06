// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a long text becomes windows, and their vectors one (long_text=chunk): pure functions.
#include <cstdint>
#include <span>
#include <vector>

namespace emberline {

// Tokens [begin, end) of a text, special tokens not counted.
struct Window {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

// Windows of `size` tokens, each but the first beginning `overlap` tokens before the end of the one before; the last
// may be shorter. Every token lies in at least one, no window in another. size > overlap >= 0.
std::vector<Window> cut_windows(int64_t num_tokens, int64_t size, int64_t overlap);

// out [dim] = mean of `vectors` [weights.size(), dim], weighted by tokens, and scaled to length 1 where `normalize`
// says so. Sums in f64 and in the order of the windows, so that the result does not depend on who computed what when.
void average_windows(std::span<const float> vectors, std::span<const int64_t> weights, bool normalize,
                     std::span<float> out);

}  // namespace emberline
