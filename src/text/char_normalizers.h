// SPDX-License-Identifier: Apache-2.0
#pragma once
// Normalizers that look at one character at a time, or only at the ends of the text.
#include <memory>
#include <string>

#include "text/stages.h"

namespace emberline {

// Nmt: drops control characters, and makes kinds of white space a space.
std::unique_ptr<Normalizer> make_nmt();

// StripAccents: drops combining marks of every kind.
std::unique_ptr<Normalizer> make_strip_accents();

// Strip: drops white space at the start (left) and the end (right) of the text.
std::unique_ptr<Normalizer> make_strip(bool left, bool right);

// Prepend: puts `prefix` before a text that is not empty.
std::unique_ptr<Normalizer> make_prepend(std::string prefix);

}  // namespace emberline
