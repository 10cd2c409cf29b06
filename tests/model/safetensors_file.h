// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writes model files for tests: right ones, and ones that lie in a chosen place.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/temporary_directory.h"

namespace emberline {

inline std::string length_prefix(uint64_t length) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
  return bytes;
}

// The file of a header as it stands and the data after it.
inline std::string safetensors(const std::string& header, const std::string& data) {
  return length_prefix(header.size()) + header + data;
}

}  // namespace emberline
