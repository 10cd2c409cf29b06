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

// For str.lower: sorted code points that it leaves alone although kLowerKeys has them; then ranges as pairs of first
// and last: cased letters, and characters that are skipped when a capital sigma looks for a cased neighbour.
extern const size_t kNumPythonUnknownLower;
extern const uint32_t kPythonUnknownLower[];
extern const size_t kNumPythonCasedRanges;  // numbers, two a range
extern const uint32_t kPythonCasedRanges[];
extern const size_t kNumPythonIgnoredRanges;  // numbers, two a range
extern const uint32_t kPythonIgnoredRanges[];

}  // namespace emberline::unicode
