// SPDX-License-Identifier: Apache-2.0
#pragma once
// vocab.txt: a piece a line, the line's number its id.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emberline {

// Pieces with their line numbers, sorted by piece. White space at the end of a line does not count; of equal lines the
// last gives the id. Throws Error(kFormat).
std::vector<std::pair<std::string, int32_t>> read_vocab_txt(std::string_view text);

}  // namespace emberline
