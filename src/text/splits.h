// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pre-tokenizers that cut words at characters of a kind, or at a string.
#include <memory>
#include <string>

#include "text/regex.h"
#include "text/stages.h"

namespace emberline {

// What becomes of the delimiters: `words.cut` at "." gives, in this order, {words, cut}, {words, ., cut},
// {words., cut}, {words, .cut}; kContiguous is kIsolated with neighbouring delimiters together.
enum class Delimiter { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// WhitespaceSplit: at white space, which is dropped.
std::unique_ptr<PreTokenizer> make_whitespace_split();

// Whitespace: runs of word characters and runs of others; white space is dropped.
std::unique_ptr<PreTokenizer> make_whitespace();

std::unique_ptr<PreTokenizer> make_punctuation(Delimiter delimiter);

// Digits: runs of digits, or each of them alone.
std::unique_ptr<PreTokenizer> make_digits(bool individual);

// Split at each occurrence of `pattern` (not empty); inverted, what lies between them is the delimiter.
std::unique_ptr<PreTokenizer> make_string_split(std::string pattern, Delimiter delimiter, bool invert);

// Split at each match of `pattern`; inverted, what lies between them is the delimiter.
std::unique_ptr<PreTokenizer> make_regex_split(Regex pattern, Delimiter delimiter, bool invert);

}  // namespace emberline
