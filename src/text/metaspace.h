// SPDX-License-Identifier: Apache-2.0
#pragma once
// Metaspace: spaces become a visible character, which may be put before words, and at which words begin.
#include <memory>
#include <string_view>

#include "text/stages.h"

namespace emberline {

inline constexpr char32_t kMetaspace = 0x2581;
inline constexpr std::string_view kMetaspaceText = "\xE2\x96\x81";  // the same in UTF-8

struct MetaspaceConfig {
  enum class Prepend { kAlways, kFirst, kNever };  // kFirst: only where the row begins

  char32_t replacement = kMetaspace;
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

std::unique_ptr<PreTokenizer> make_metaspace(const MetaspaceConfig& config);

}  // namespace emberline
