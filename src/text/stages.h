// SPDX-License-Identifier: Apache-2.0
#pragma once
// The stages of a tokenizer.json, in the order in which text passes them. Each is immutable after construction and
// safe from many threads; none fails on any text. All text between them is well-formed UTF-8.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace emberline {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // Appends the normalized form of `text` to `out`. Text may be cut before a character whose own form begins with white
  // space or punctuation: the parts' forms then follow each other as they do in the whole's.
  virtual void append(std::string_view text, std::string& out) const = 0;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Appends the words of `text` in order.
  virtual void append_words(std::string_view text, std::vector<WordSpan>& words) const = 0;
  // True if no word ever reaches over the place before `c`.
  virtual bool separates(char32_t c) const = 0;
};

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  // Appends the ids of `words` (of `text`) in order; may stop as soon as ids holds `enough`.
  virtual void append_ids(std::string_view text, std::span<const WordSpan> words, size_t enough,
                          std::vector<int32_t>& ids) const = 0;
  virtual int32_t find(std::string_view piece) const = 0;  // id, or -1
};

class PostProcessor {
 public:
  virtual ~PostProcessor() = default;
  virtual int64_t num_special_tokens() const = 0;
  // The ids of one sequence lie between begin and end in out.ids; end also writes out.types.
  virtual void begin(Encoding& out) const = 0;
  virtual void end(Encoding& out) const = 0;
};

}  // namespace emberline
