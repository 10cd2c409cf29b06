// SPDX-License-Identifier: Apache-2.0
#pragma once
// The Unicode normalization forms, of the Unicode version that the reference has.
#include <memory>

#include "text/stages.h"

namespace emberline {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };

std::unique_ptr<Normalizer> make_unicode_form(UnicodeForm form);

}  // namespace emberline
