// SPDX-License-Identifier: Apache-2.0
#pragma once
// Metaspace: spaces become a visible character, which may be put before words, and at which words begin.
#include <memory>

#include "text/stages.h"

namespace emberline {

struct MetaspaceConfig {
  enum class Prepend { kAlways, kFirst, kNever };  // kFirst: only where the row begins

  char32_t replacement = 0x2581;
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceConfig& config);

}  // namespace emberline
