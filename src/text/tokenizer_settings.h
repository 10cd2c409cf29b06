// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the JSON files beside tokenizer.json say about the tokenizer, as plain data with transformers' defaults.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"

namespace emberline {

// The files that hold a directory's vocabulary; where there are several, the first of this list counts.
enum class VocabularySource { kTokenizerJson, kSentencePiece, kVocabAndMerges, kVocabTxt };

struct TokenizerSettings {
  VocabularySource source = VocabularySource::kTokenizerJson;
  // True: transformers builds a BertTokenizer from these settings, and takes only vocabulary and added tokens from
  // tokenizer.json. False: tokenizer.json rules.
  bool rebuilds_bert = false;
  // The class that transformers builds by rules of its own (rebuilt_tokenizer.h), or empty.
  std::string tokenizer_class;
  std::string named_class;  // by a file or the model type, whether it is built here or not; empty: by none
  bool do_lower_case = true;
  bool strip_accents = true;  // null is resolved to do_lower_case
  bool tokenize_chinese_chars = true;
  std::optional<bool> lowercases;  // do_lower_case, if it is said
  std::optional<bool> add_prefix_space;
  bool legacy = false;
  bool keep_accents = false;
  bool split_by_punct = false;
  int64_t unk_id = 1;
  int64_t extra_ids = 100;
  bool split_special_tokens = false;
  // Whether bos_token and eos_token go around a text; tokenizer.json says it better where there is one.
  bool add_bos_token = false;
  bool add_eos_token = false;
  // Whether the network is told which of two texts a token is of; else all tokens count as the first's.
  bool passes_types = false;
  bool unk_for_empty_text = false;                 // SentencePiece alone: a text without pieces becomes the unknown one
  std::string truncation_side;                     // "left", "right", or empty: not said
  std::map<std::string, AddedToken> named_tokens;  // by role: "cls_token" -> [CLS]; ids are -1
  std::vector<AddedToken> extra_tokens;            // ids are -1
  bool names_extra_tokens = false;                 // a file has a list of them, were it empty
  // added_tokens_decoder, by id: where the file has it, it stands for tokenizer.json's added_tokens.
  std::optional<std::vector<AddedToken>> added_tokens;
  std::vector<AddedToken> older_tokens;  // of added_tokens.json, by id; tokenizer.json's win where ids are equal
};

// Reads tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json, each if it is there. With a
// vocab.txt, the tokenizer can only be BertTokenizer or MPNetTokenizer. Throws Error(kIo | kFormat | kUnsupported).
TokenizerSettings read_tokenizer_settings(const std::filesystem::path& directory, VocabularySource source);

}  // namespace emberline
