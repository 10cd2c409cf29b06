// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sequence: normalizers one after another.
#include <memory>
#include <vector>

#include "text/stages.h"

namespace emberline {

std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> parts);

}  // namespace emberline
