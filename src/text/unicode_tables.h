// SPDX-License-Identifier: Apache-2.0
#pragma once
// Layout of the generated tables (tools/make_unicode_tables.py). Read them through unicode.h.
#include <cstddef>
#include <cstdint>

namespace emberline::unicode {

// flags(c) = kFlagBlocks[kFlagBlockOf[c >> 7] * 128 + (c & 127)]
extern const uint16_t kFlagBlockOf[8704];
extern const uint8_t kFlagBlocks[];

// Sorted keys; the value of key i is Chars[Starts[i] .. Starts[i + 1]).
extern const size_t kNumLowerKeys;
extern const uint32_t kLowerKeys[];
extern const uint16_t kLowerStarts[];
extern const char32_t kLowerChars[];

extern const size_t kNumDecompositionKeys;
extern const uint32_t kDecompositionKeys[];
extern const uint16_t kDecompositionStarts[];
extern const char32_t kDecompositionChars[];

extern const size_t kNumCombiningKeys;
extern const uint32_t kCombiningKeys[];
extern const uint8_t kCombiningClasses[];

}  // namespace emberline::unicode
