// SPDX-License-Identifier: Apache-2.0
#pragma once
// The stages of a tokenizer.json, in the order in which text passes them. Each is immutable after construction and
// safe from many threads; none fails on any text, but for want of memory. All text between them is well-formed UTF-8.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace emberline {

// Where a stage lets a text be cut so that the parts, each given to it alone, come out as they do in the whole.
enum class Cuts {
  kBeforeSeparators,   // before any character that separates words
  kBetweenPlainWords,  // before a space that follows a visible ASCII character
  kNowhere,
};

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // Appends the normalized form of `text` to `out`.
  virtual void append(std::string_view text, std::string& out) const = 0;
  virtual Cuts cuts() const { return Cuts::kBetweenPlainWords; }
  // True if the form no longer begins where `text` (not empty) does, because its first character was dropped.
  virtual bool drops_start(std::string_view) const { return false; }
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Replaces each word by the words that it is cut into, in order; none is empty.
  virtual void split(Words& words) const = 0;
  // True if no word ever reaches over the place before `c`, given that the text may be cut there at all.
  virtual bool separates(char32_t c) const = 0;
  // True if Words::at_start makes a difference.
  virtual bool asks_for_start() const { return false; }
  virtual Cuts cuts() const { return Cuts::kBetweenPlainWords; }
};

// A pre-tokenizer that leaves the text as it is.
class Splitter : public PreTokenizer {
 public:
  void split(Words& words) const final {
    words.next_spans.clear();
    for (const WordSpan& word : words.spans) append_words(words.text, word, words.next_spans);
    words.spans.swap(words.next_spans);
  }
  // Appends the words of text[word.begin, word.end) in order; their places are in `text`.
  virtual void append_words(std::string_view text, WordSpan word, std::vector<WordSpan>& words) const = 0;
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
  // Two sequences as one, in place of what out.ids and out.types held; only where joins_pairs.
  virtual bool joins_pairs() const = 0;
  virtual int64_t num_pair_special_tokens() const = 0;
  virtual void join(std::span<const int32_t> first, std::span<const int32_t> second, Encoding& out) const = 0;
};

}  // namespace emberline
