// SPDX-License-Identifier: Apache-2.0
#pragma once
// Text to token ids, identical to Hugging Face tokenizers' for the same tokenizer.json.
//
//   Tokenizer tokenizer = Tokenizer::load("all-MiniLM-L6-v2");
//   Encoding encoding;
//   tokenizer.encode("a text", 256, encoding);     // ids = {101, 1037, 3793, 102}
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace emberline {

struct WordSpan {
  size_t begin;
  size_t end;
};

// A text on its way through the pre-tokenizers, and where its words are.
struct Words {
  std::string_view text;        // the caller's, or `written`
  std::vector<WordSpan> spans;  // in order, none empty
  bool at_start = true;         // the text is where its row begins

  // A stage that changes the text writes it to next_written and calls take_written.
  std::vector<WordSpan> next_spans;
  std::string next_written;
  std::string written;

  void take_written() {
    written.swap(next_written);
    text = written;
    spans.swap(next_spans);
  }
};

struct Encoding {
  std::vector<int32_t> ids;    // [num_tokens] special tokens included
  std::vector<int32_t> types;  // [num_tokens]
  bool truncated = false;      // text was cut so that special tokens still fit

  // Buffers that encode uses again from call to call; their contents mean nothing between calls.
  struct Scratch {
    std::string text;
    std::string normalized;
    Words words;
  } scratch;
};

// What encode_pair uses again from call to call, of one tokenizer: its buffers, and what the last first text became, so
// that a query is read once for all texts that it goes with.
struct PairScratch {
  std::string first_text;
  size_t first_enough = 0;  // ids of it that were asked for; 0 before there is one
  Encoding first;
  Encoding second;
};

// Immutable after loading; encode is safe from many threads. Movable.
class Tokenizer {
 public:
  // Reads tokenizer.json (settings of tokenizer_config.json applied as transformers 5 does), or vocab.txt alone.
  // Throws Error(kIo | kFormat | kUnsupported); an unknown stage is named with its place in the file.
  static Tokenizer load(const std::filesystem::path& directory, bool lower_case_first = false);
  // What tokenizer.json says and no other file: without special tokens around texts, and where `drops_unknown` without
  // the token of its model for what the vocabulary lacks, which still counts where texts are cut. Throws as load does.
  static Tokenizer load_bare(const std::filesystem::path& directory, bool drops_unknown);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Overwrites out. Invalid UTF-8 counts as U+FFFD, one for each maximal ill-formed part. Reads no more of the text
  // than max_tokens need. max_tokens counts special tokens too and must be at least num_special_tokens().
  void encode(std::string_view text, int64_t max_tokens, Encoding& out) const;

  // Two texts as one sequence. Where they are too long together, the longer one is cut, or both to an equal length,
  // each at the side that encode cuts. The rest is as in encode; max_tokens must be at least num_pair_special_tokens().
  // Throws Error(kUnsupported) unless encodes_pairs.
  void encode_pair(std::string_view first, std::string_view second, int64_t max_tokens, PairScratch& scratch,
                   Encoding& out) const;

  bool encodes_pairs() const;                        // the files say how two texts become one sequence
  int64_t num_pair_special_tokens() const;           // that the post-processor adds to two sequences
  int64_t num_special_tokens() const;                // that the post-processor adds to one sequence
  int64_t num_leading_special_tokens() const;        // those of them that come first
  int64_t vocab_size() const;                        // added tokens included
  int64_t largest_text() const;                      // tokens that load_bare's file cuts texts to; 0 where it does not
  const std::vector<std::string>& warnings() const;  // contradictions between files that were settled
  const std::string& description() const;            // "WordPiece of tokenizer.json, as BertTokenizer"

 private:
  struct Pipeline;
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace emberline
