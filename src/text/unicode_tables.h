// SPDX-License-Identifier: Apache-2.0
#pragma once
// Layout of the generated tables (tools/make_unicode_tables.py). Read them through unicode.h.
#include <cstddef>
#include <cstdint>

namespace emberline::unicode {

// flags(c) = kFlagBlocks[kFlagBlockOf[c >> 7] * 128 + (c & 127)]
extern const uint16_t kFlagBlockOf[8704];
extern const uint8_t kFlagBlocks[];

// traits(c), likewise
extern const uint16_t kTraitBlockOf[8704];
extern const uint16_t kTraitBlocks[];

// category(c), likewise
extern const uint16_t kCategoryBlockOf[8704];
extern const uint8_t kCategoryBlocks[];

// Sorted keys; the value of key i is Chars[Starts[i] .. Starts[i + 1]).
extern const size_t kNumLowerKeys;
extern const uint32_t kLowerKeys[];
extern const uint16_t kLowerStarts[];
extern const char32_t kLowerChars[];

extern const size_t kNumDecompositionKeys;
extern const uint32_t kDecompositionKeys[];
extern const uint16_t kDecompositionStarts[];
extern const char32_t kDecompositionChars[];

extern const size_t kNumCompatibilityKeys;
extern const uint32_t kCompatibilityKeys[];
extern const uint16_t kCompatibilityStarts[];
extern const char32_t kCompatibilityChars[];

// Pairs sorted by first and then second character, and what each is together.
extern const size_t kNumCompositions;
extern const uint32_t kCompositionFirst[];
extern const uint32_t kCompositionSecond[];
extern const uint32_t kCompositionWhole[];

extern const size_t kNumCombiningKeys;
extern const uint32_t kCombiningKeys[];
extern const uint8_t kCombiningClasses[];

}  // namespace emberline::unicode
