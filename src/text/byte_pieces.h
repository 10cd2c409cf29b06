// SPDX-License-Identifier: Apache-2.0
#pragma once
// The piece that stands for a byte where a model falls back to bytes: <0x00> to <0xFF>.
#include <cstdint>
#include <string>

namespace emberline {

inline std::string byte_piece(uint8_t byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + ">";
}

}  // namespace emberline
