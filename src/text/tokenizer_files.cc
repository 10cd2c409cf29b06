// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/added_vocabulary.h"
#include "text/bert_normalizer.h"
#include "text/bert_pre_tokenizer.h"
#include "text/rebuilt_tokenizer.h"
#include "text/sentencepiece_conversion.h"
#include "text/sentencepiece_models.h"
#include "text/sentencepiece_normalizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_settings.h"
#include "text/vocab_and_merges.h"
#include "text/vocab_txt.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// The order in which transformers adds those that the vocabulary lacks; other roles follow.
constexpr const char* kRoles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

// Names that models come with; the first that is there is taken.
constexpr const char* kSentencePieceNames[] = {"tokenizer.model", "sentencepiece.bpe.model", "spiece.model",
                                               "spm.model",       "sentencepiece.model",     "sp.model"};

class Warnings {
 public:
  explicit Warnings(std::vector<std::string>& out) : out_(out) {}

  void differ(const char* what, const std::string& there, const std::string& used) {
    if (there == used) return;
    out_.push_back(
        message("tokenizer.json: {} is {}, but {} is used, as transformers does for BertTokenizer", what, there, used));
  }
  void differ(const char* what, bool there, bool used) { differ(what, text(there), text(used)); }
  void id(const AddedToken& token, int32_t used) {
    if (token.id < 0 || token.id == used) return;
    const std::string text = message("added token \"{}\" has id {} in its file, but gets id {}, as in tokenizers",
                                     token.content, token.id, used);
    if (std::find(out_.begin(), out_.end(), text) == out_.end()) out_.push_back(text);
  }

 private:
  static std::string text(bool value) { return value ? "true" : "false"; }

  std::vector<std::string>& out_;
};

std::string order(const TemplateConfig& config) {
  std::ostringstream text;
  for (const int32_t id : config.before.ids) text << id << ' ';
  text << 'A';
  for (const int32_t id : config.after.ids) text << ' ' << id;
  return text.str();
}

void compare(const TokenizerFile& file, const BertNormalizerConfig& normalizer, const WordPieceConfig& wordpiece,
             const TemplateConfig& post_processor, Warnings warnings) {
  if (file.bert_normalizer) {
    const BertNormalizerConfig& there = *file.bert_normalizer;
    warnings.differ("normalizer.lowercase", there.lowercase, normalizer.lowercase);
    warnings.differ("normalizer.strip_accents", there.strip_accents, normalizer.strip_accents);
    warnings.differ("normalizer.handle_chinese_chars", there.handle_chinese_chars, normalizer.handle_chinese_chars);
    warnings.differ("normalizer.clean_text", there.clean_text, normalizer.clean_text);
  } else {
    warnings.differ("normalizer", file.normalizer ? "another" : "null", "BertNormalizer");
  }
  warnings.differ("pre_tokenizer", file.pre_tokenizer_type, "BertPreTokenizer");
  const auto& model = std::get<WordPieceConfig>(file.model);
  warnings.differ("model.unk_token", model.unk_token, wordpiece.unk_token);
  warnings.differ("model.continuing_subword_prefix", model.continuing_subword_prefix,
                  wordpiece.continuing_subword_prefix);
  warnings.differ("model.max_input_chars_per_word", std::to_string(model.max_input_chars_per_word),
                  std::to_string(wordpiece.max_input_chars_per_word));
  warnings.differ("post_processor", order(file.post_processor), order(post_processor));
}

// The list that transformers adds first, by id: the settings' own, or else those of the files that were before it.
std::vector<AddedToken> listed_tokens(const TokenizerSettings& settings, const TokenizerFile& file) {
  if (settings.added_tokens) return *settings.added_tokens;
  std::map<int32_t, AddedToken> by_id;
  for (const AddedToken& token : settings.older_tokens) by_id[token.id] = token;
  for (const AddedToken& token : file.added_tokens) by_id[token.id] = token;
  std::vector<AddedToken> tokens;
  for (auto& [id, token] : by_id) tokens.push_back(std::move(token));
  return tokens;
}

// Then those that have a role and are not there yet, then the extra ones. Of equal ones the flags of the last count.
void add_named_tokens(const TokenizerSettings& settings, AddedVocabulary& vocabulary) {
  std::set<std::string> there;
  for (const AddedToken& token : vocabulary.tokens()) there.insert(token.content);
  const auto add_missing = [&](const AddedToken& token) {
    if (!token.content.empty() && there.count(token.content) == 0) vocabulary.add(token);
  };
  for (const char* role : kRoles) {
    const auto named = settings.named_tokens.find(role);
    if (named != settings.named_tokens.end()) add_missing(named->second);
  }
  for (const auto& [role, token] : settings.named_tokens) add_missing(token);
  for (const AddedToken& token : settings.extra_tokens) add_missing(token);
}

void add_tokens(const std::vector<AddedToken>& tokens, AddedVocabulary& vocabulary, Warnings warnings) {
  for (const AddedToken& token : tokens) {
    if (!token.content.empty()) warnings.id(token, vocabulary.add(token));
  }
}

std::unique_ptr<PostProcessor> post_processor_of(const TokenizerSettings& settings, TemplateConfig config) {
  if (config.pair && !settings.passes_types) {
    for (SpecialTokens* tokens : {&config.pair->before, &config.pair->between, &config.pair->after}) {
      std::fill(tokens->types.begin(), tokens->types.end(), 0);
    }
    config.pair->first_type = config.pair->second_type = 0;
  }
  return make_template_processor(std::move(config));
}

// Pipeline of transformers' BertTokenizer. `file` holds the vocabulary; the rest of it counts only for the warnings,
// and not at all where there is no tokenizer.json.
TokenizerParts build_bert(const TokenizerSettings& settings, TokenizerFile file, bool has_file) {
  auto* const model = std::get_if<WordPieceConfig>(&file.model);
  check(model != nullptr, Code::kUnsupported,
        "tokenizer.json: the model is not WordPiece, as BertTokenizer needs it; name the tokenizer_class that fits in "
        "tokenizer_config.json, or PreTrainedTokenizerFast to go by tokenizer.json");
  TokenizerParts parts;
  const Warnings warnings(parts.warnings);
  AddedVocabulary vocabulary(model->vocab);
  add_tokens(listed_tokens(settings, file), vocabulary, warnings);
  add_named_tokens(settings, vocabulary);

  const BertNormalizerConfig normalizer{true, settings.tokenize_chinese_chars, settings.strip_accents,
                                        settings.do_lower_case};
  WordPieceConfig wordpiece;
  wordpiece.unk_token = settings.named_tokens.at("unk_token").content;
  const int32_t cls = vocabulary.add(settings.named_tokens.at("cls_token"));
  const TemplateConfig post_processor = bert_template(cls, vocabulary.add(settings.named_tokens.at("sep_token")));
  if (has_file) compare(file, normalizer, wordpiece, post_processor, warnings);

  wordpiece.vocab = model->vocab;
  parts.normalizer = make_bert_normalizer(normalizer);
  parts.pre_tokenizer = make_bert_pre_tokenizer();
  parts.model = make_wordpiece(wordpiece);
  parts.post_processor = post_processor_of(settings, post_processor);
  parts.added_tokens = vocabulary.tokens();
  parts.vocab_size = vocabulary.largest_id() + 1;
  return parts;
}

// Pipeline as tokenizer.json has it.
TokenizerParts build_from_file(const TokenizerSettings& settings, TokenizerFile file) {
  TokenizerParts parts;
  const Warnings warnings(parts.warnings);
  const Vocabulary pieces = vocabulary_of(file.model);
  AddedVocabulary vocabulary(pieces);
  add_tokens(file.added_tokens, vocabulary, warnings);
  add_tokens(listed_tokens(settings, file), vocabulary, warnings);
  add_named_tokens(settings, vocabulary);
  parts.normalizer = std::move(file.normalizer);
  parts.pre_tokenizer = std::move(file.pre_tokenizer);
  if (auto* unigram = std::get_if<UnigramConfig>(&file.model)) round_scores_as_tokenizers(*unigram);
  parts.model = make_token_model(file.model, "tokenizer.json: model");
  parts.post_processor = post_processor_of(settings, std::move(file.post_processor));
  parts.added_tokens = vocabulary.tokens();
  parts.vocab_size = vocabulary.largest_id() + 1;
  return parts;
}

// LlamaTokenizer is built from a file whose words are bytes as that file has it.
bool is_rebuilt_from(const TokenizerSettings& settings, const TokenizerFile& file) {
  const auto* bpe = std::get_if<BpeConfig>(&file.model);
  const bool bytes = bpe != nullptr && bpe->byte_level;
  return !settings.tokenizer_class.empty() && !(bytes && settings.tokenizer_class == "LlamaTokenizer");
}

// Pipeline of another class that transformers builds anew.
TokenizerParts build_rebuilt(const TokenizerSettings& settings, TokenizerFile file) {
  TokenizerParts parts;
  const Warnings warnings(parts.warnings);
  rebuild_stages(settings, file);
  const Vocabulary pieces = vocabulary_of(file.model);
  AddedVocabulary vocabulary(pieces);
  add_tokens(listed_tokens(settings, file), vocabulary, warnings);
  add_named_tokens(settings, vocabulary);
  parts.normalizer = std::move(file.normalizer);
  parts.pre_tokenizer = std::move(file.pre_tokenizer);
  parts.model = make_token_model(file.model, file.name + ": model");
  parts.post_processor = post_processor_of(settings, rebuilt_post_processor(settings, file.post_processor, vocabulary));
  parts.added_tokens = vocabulary.tokens();
  parts.vocab_size = vocabulary.largest_id() + 1;
  return parts;
}

// The piece that a model writes for what its vocabulary lacks; empty for none.
std::string unknown_piece(const TokenModelConfig& model) {
  if (const auto* wordpiece = std::get_if<WordPieceConfig>(&model)) return wordpiece->unk_token;
  if (const auto* words = std::get_if<WordLevelConfig>(&model)) return words->unk_token;
  if (const auto* unigram = std::get_if<UnigramConfig>(&model)) {
    return unigram->pieces.at(static_cast<size_t>(unigram->unk_id)).first;
  }
  if (const auto* bpe = std::get_if<BpeConfig>(&model)) return bpe->unk_token.value_or("");
  return "";
}

int32_t piece_of_role(const SentencePieceFile& file, const TokenizerSettings& settings, const char* role) {
  const auto named = settings.named_tokens.find(role);
  check(named != settings.named_tokens.end(), Code::kFormat,
        "tokenizer_config.json: {} is missing, expected one of the pieces of {}", role, file.name);
  const std::string& text = named->second.content;
  const auto found = std::find_if(file.pieces.begin(), file.pieces.end(),
                                  [&](const SentencePiece& piece) { return piece.text == text; });
  check(found != file.pieces.end(), Code::kFormat, "tokenizer_config.json: {}: got \"{}\", which is no piece of {}",
        role, text, file.name);
  return static_cast<int32_t>(found - file.pieces.begin());
}

// Pipeline of SentencePiece itself: no token is added, and around a text stand those that the settings ask for.
TokenizerParts build_sentencepiece(const SentencePieceFile& file, const TokenizerSettings& settings) {
  TokenizerParts parts;
  TemplateConfig around;
  if (settings.add_bos_token) around.before = {{piece_of_role(file, settings, "bos_token")}, {0}};
  if (settings.add_eos_token) around.after = {{piece_of_role(file, settings, "eos_token")}, {0}};
  parts.normalizer = make_sentencepiece_normalizer(file);
  parts.model =
      file.kind == SentencePieceFile::Kind::kUnigram ? make_sentencepiece_unigram(file) : make_sentencepiece_bpe(file);
  parts.post_processor = make_template_processor(around);
  if (settings.unk_for_empty_text) parts.empty_id = file.unknown;
  parts.vocab_size = static_cast<int64_t>(file.pieces.size());
  parts.description =
      message("SentencePiece {} of {}", file.kind == SentencePieceFile::Kind::kUnigram ? "unigram" : "BPE", file.name);
  if (settings.add_bos_token || settings.add_eos_token) return parts;
  parts.warnings.push_back(
      message("{}: no file names a tokenizer_class, so ids are those of SentencePiece itself, without special tokens",
              file.name));
  return parts;
}

struct VocabularyFile {
  VocabularySource source;
  fs::path path;
};

VocabularyFile find_vocabulary(const fs::path& directory) {
  if (is_there(directory / "tokenizer.json")) {
    return {VocabularySource::kTokenizerJson, directory / "tokenizer.json"};
  }
  for (const char* name : kSentencePieceNames) {
    if (is_there(directory / name)) return {VocabularySource::kSentencePiece, directory / name};
  }
  const fs::path vocab_json = directory / "vocab.json";
  const fs::path vocab_txt = directory / "vocab.txt";
  const bool has_merges = is_there(directory / "merges.txt");
  if (has_merges || (is_there(vocab_json) && !is_there(vocab_txt))) {
    check(has_merges, Code::kIo, "{}: has vocab.json without merges.txt beside it; copy both, or tokenizer.json",
          directory.string());
    check(is_there(vocab_json), Code::kIo,
          "{}: has merges.txt without vocab.json beside it; copy both, or tokenizer.json", directory.string());
    return {VocabularySource::kVocabAndMerges, vocab_json};
  }
  check(is_there(vocab_txt), Code::kIo,
        "{}: has neither tokenizer.json nor vocab.txt, nor vocab.json with merges.txt, nor a SentencePiece file "
        "(tokenizer.model, sentencepiece.bpe.model, spiece.model, spm.model, sentencepiece.model, sp.model)",
        directory.string());
  return {VocabularySource::kVocabTxt, vocab_txt};
}

void check_class(const TokenizerSettings& settings, const VocabularyFile& from) {
  if (!settings.tokenizer_class.empty()) {
    check_source(settings);
    return;
  }
  if (from.source == VocabularySource::kTokenizerJson || from.source == VocabularySource::kVocabTxt) return;
  const std::string name = from.path.filename().string();
  const std::string named = settings.named_class.empty() ? "no file names a tokenizer_class"
                                                         : "tokenizer_class \"" + settings.named_class + "\"";
  const bool is_sentencepiece = from.source == VocabularySource::kSentencePiece;
  check(is_sentencepiece && settings.named_class.empty(), Code::kUnsupported,
        "{}: {}, expected {} in tokenizer_config.json, or a tokenizer.json", name, named,
        is_sentencepiece ? "AlbertTokenizer, CamembertTokenizer, DebertaV2Tokenizer, GemmaTokenizer, LlamaTokenizer, "
                           "T5Tokenizer or XLMRobertaTokenizer"
                         : "GPT2Tokenizer, Qwen2Tokenizer or RobertaTokenizer");
}

TokenizerParts build(TokenizerSettings settings, const VocabularyFile& from) {
  check_class(settings, from);
  const std::string name = from.path.filename().string();
  const std::string content = read_text_file(from.path);
  if (from.source == VocabularySource::kSentencePiece && settings.tokenizer_class.empty()) {
    return build_sentencepiece(read_sentencepiece_file(content, name), settings);
  }
  TokenizerFile file;
  switch (from.source) {
    case VocabularySource::kTokenizerJson: file = read_tokenizer_json(content, name); break;
    case VocabularySource::kSentencePiece:
      // The file's own tokens take the place of those that special_tokens_map.json adds.
      if (!settings.names_extra_tokens) settings.extra_tokens.clear();
      add_default_tokens(settings);
      convert_sentencepiece(read_sentencepiece_file(content, name), settings, file);
      break;
    case VocabularySource::kVocabAndMerges:
      file.name = "merges.txt";
      file.model = read_vocab_and_merges(content, read_text_file(from.path.parent_path() / "merges.txt"));
      break;
    case VocabularySource::kVocabTxt:
      file.name = name;
      file.model = WordPieceConfig{.vocab = read_vocab_txt(content)};
      break;
  }
  const bool truncates_left = file.truncate_left;
  std::string description = message("{} of {}", kind_of(file.model), name);
  const bool has_json = from.source == VocabularySource::kTokenizerJson;
  const bool is_rebuilt = is_rebuilt_from(settings, file);
  if (is_rebuilt && from.source != VocabularySource::kSentencePiece) add_default_tokens(settings);
  TokenizerParts parts = settings.rebuilds_bert ? build_bert(settings, std::move(file), has_json)
                         : is_rebuilt           ? build_rebuilt(settings, std::move(file))
                                                : build_from_file(settings, std::move(file));
  parts.truncate_left = truncates_left;
  if (settings.rebuilds_bert || is_rebuilt) {
    description += message(", as {}", settings.rebuilds_bert ? "BertTokenizer" : settings.tokenizer_class);
  }
  parts.description = std::move(description);
  return parts;
}

}  // namespace

TokenizerParts read_bare_tokenizer(const fs::path& directory, bool drops_unknown) {
  check(is_there(directory / "tokenizer.json"), Code::kIo, "{}: has no tokenizer.json", directory.string());
  TokenizerFile file = read_tokenizer_json(read_text_file(directory / "tokenizer.json"), "tokenizer.json");
  const std::string unknown = drops_unknown ? unknown_piece(file.model) : "";
  const bool left = file.truncate_left;
  const int64_t largest_text = file.largest_text;
  file.post_processor = {};
  TokenizerParts parts = build_from_file({}, std::move(file));
  parts.truncate_left = left;
  parts.largest_text = largest_text;
  if (!unknown.empty()) parts.dropped_id = parts.model->find(unknown);
  return parts;
}

TokenizerParts read_tokenizer_files(const fs::path& directory) {
  check(fs::is_directory(directory), Code::kIo, "{}: not a directory", directory.string());
  const VocabularyFile from = find_vocabulary(directory);
  const TokenizerSettings settings = read_tokenizer_settings(directory, from.source);
  TokenizerParts parts = build(settings, from);
  if (!settings.truncation_side.empty()) parts.truncate_left = settings.truncation_side == "left";
  parts.match_special_tokens = !settings.split_special_tokens;
  return parts;
}

}  // namespace emberline
