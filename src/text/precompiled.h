// SPDX-License-Identifier: Apache-2.0
#pragma once
// Precompiled: the charsmap of a SentencePiece model, a table of strings and what each of them becomes.
#include <memory>
#include <string>
#include <string_view>

#include "text/stages.h"

namespace emberline {

// `charsmap` as charsmap.h has it; `place` names it in messages. Throws Error(kFormat).
std::unique_ptr<Normalizer> make_precompiled(std::string_view charsmap, const std::string& place);

// Throws Error(kFormat) on text that is not base64.
std::string decode_base64(std::string_view text, const std::string& place);

}  // namespace emberline
