// SPDX-License-Identifier: Apache-2.0
#pragma once
// A Backend in plain double-precision loops: slow, obvious, and the measure of every other one.
#include <memory>

#include "backend/backend.h"

namespace emberline {

std::unique_ptr<Backend> make_naive_backend();

}  // namespace emberline
