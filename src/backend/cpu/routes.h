// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which experts the rows of a mixture go to, and with what weight.
#include <cstdint>
#include <vector>

#include "backend/ops.h"

namespace emberline::cpu {

struct Route {
  int64_t row = 0;
  float weight = 0;
};

// For each expert the rows that choose it, in order. scores [rows, num_experts]: a row's weights are their softmax, and
// it takes the num_chosen largest of them, the earlier of two equal ones. A row that holds NaN chooses all the same.
std::vector<std::vector<Route>> choose_experts(const MatrixView& scores, int64_t num_chosen);

}  // namespace emberline::cpu
