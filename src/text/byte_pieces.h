// SPDX-License-Identifier: Apache-2.0
#pragma once
// The piece that stands for a byte where a model falls back to bytes: <0x00> to <0xFF>.
#include <array>
#include <cstdint>
#include <string>

#include "text/piece_trie.h"

namespace emberline {

inline std::string byte_piece(uint8_t byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

// The id of the piece that stands for each byte; -1 where there is none.
inline std::array<int32_t, 256> find_byte_pieces(const PieceTrie& trie) {
  std::array<int32_t, 256> ids;
  for (size_t byte = 0; byte < 256; ++byte) ids[byte] = trie.find(byte_piece(static_cast<uint8_t>(byte)));
  return ids;
}

}  // namespace emberline
