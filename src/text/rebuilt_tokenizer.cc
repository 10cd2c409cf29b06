// SPDX-License-Identifier: Apache-2.0
#include "text/rebuilt_tokenizer.h"

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "text/bert_normalizer.h"
#include "text/bert_pre_tokenizer.h"
#include "text/byte_level.h"
#include "text/char_normalizers.h"
#include "text/metaspace.h"
#include "text/normalizer_sequence.h"
#include "text/pattern_split.h"
#include "text/pre_tokenizer_sequence.h"
#include "text/precompiled.h"
#include "text/replace.h"
#include "text/splits.h"
#include "text/unicode_form.h"

namespace emberline {
namespace {

using Normalizers = std::vector<std::unique_ptr<Normalizer>>;
using PreTokenizers = std::vector<std::unique_ptr<PreTokenizer>>;
using MetaspacePrepend = MetaspaceConfig::Prepend;

template <typename Config>
Config& model_of(const TokenizerSettings& settings, TokenizerFile& file, const char* kind) {
  auto* const model = std::get_if<Config>(&file.model);
  check(model != nullptr, Code::kUnsupported,
        "{}: the model is not {}, as {} needs it; name the tokenizer_class that fits in tokenizer_config.json, or "
        "PreTrainedTokenizerFast to go by tokenizer.json",
        file.name, kind, settings.tokenizer_class);
  return *model;
}

const std::string& token(const TokenizerSettings& settings, const char* role) {
  return settings.named_tokens.at(role).content;
}

int32_t place_of(const TokenizerFile& file, const std::string& piece, int64_t otherwise) {
  const auto& model = std::get<UnigramConfig>(file.model);
  const auto found =
      std::find_if(model.pieces.begin(), model.pieces.end(), [&](const auto& entry) { return entry.first == piece; });
  const int64_t place = found != model.pieces.end() ? found - model.pieces.begin() : otherwise;
  check(place < static_cast<int64_t>(model.pieces.size()), Code::kFormat,
        "{}: model.vocab: has {} pieces, but the unknown one is taken from place {}", file.name, model.pieces.size(),
        place);
  return static_cast<int32_t>(place);
}

void set_unigram(UnigramConfig& model, int32_t unk_id) {
  model.unk_id = unk_id;
  model.byte_fallback = false;
}

void set_bpe(BpeConfig& model, bool fuse_unk, bool byte_fallback, bool byte_level) {
  model.unk_token.reset();
  model.continuing_subword_prefix.clear();
  model.end_of_word_suffix.clear();
  model.fuse_unk = fuse_unk;
  model.byte_fallback = byte_fallback;
  model.ignore_merges = false;
  model.byte_level = byte_level;
}

std::unique_ptr<Normalizer> charsmap(const TokenizerFile& file) {
  return file.charsmap.empty() ? nullptr : make_precompiled(file.charsmap, file.name + ": normalizer");
}

std::unique_ptr<PreTokenizer> words_with_meta(bool add_prefix_space) {
  PreTokenizers parts;
  parts.push_back(make_whitespace_split());
  parts.push_back(
      make_metaspace({kMetaspace, add_prefix_space ? MetaspacePrepend::kAlways : MetaspacePrepend::kNever, true}));
  return make_pre_tokenizer_sequence(std::move(parts));
}

void rebuild_sentencepiece(const TokenizerSettings& settings, TokenizerFile& file) {
  auto& model = model_of<UnigramConfig>(settings, file, "Unigram");
  const bool is_t5 = settings.tokenizer_class == "T5Tokenizer";
  const bool is_camembert = settings.tokenizer_class == "CamembertTokenizer";
  // Only Camembert looks where its unknown token is.
  set_unigram(model,
              is_camembert ? place_of(file, token(settings, "unk_token"), 0) : place_of(file, "", is_t5 ? 2 : 3));
  file.normalizer = charsmap(file);
  file.pre_tokenizer = words_with_meta(is_t5 || settings.add_prefix_space.value_or(true));
}

void rebuild_albert(const TokenizerSettings& settings, TokenizerFile& file) {
  auto& model = model_of<UnigramConfig>(settings, file, "Unigram");
  set_unigram(model, place_of(file, "", 1));
  Normalizers parts;
  parts.push_back(make_replace_string("``", "\""));
  parts.push_back(make_replace_string("''", "\""));
  if (!settings.keep_accents) {
    parts.push_back(make_unicode_form(UnicodeForm::kNfkd));
    parts.push_back(make_strip_accents());
  }
  if (settings.lowercases.value_or(true)) parts.push_back(make_lowercase());
  if (auto last = charsmap(file)) parts.push_back(std::move(last));
  file.normalizer = make_normalizer_sequence(std::move(parts));
  file.pre_tokenizer = words_with_meta(settings.add_prefix_space.value_or(true));
}

void rebuild_deberta_v2(const TokenizerSettings& settings, TokenizerFile& file) {
  auto& model = model_of<UnigramConfig>(settings, file, "Unigram");
  // The unknown token is looked for with the score 0; a settings' place counts where it is not there.
  const auto unknown =
      std::find(model.pieces.begin(), model.pieces.end(), std::pair(token(settings, "unk_token"), 0.0));
  set_unigram(model, unknown != model.pieces.end() ? static_cast<int32_t>(unknown - model.pieces.begin())
                                                   : place_of(file, "", settings.unk_id));
  Normalizers parts;
  if (settings.lowercases.value_or(false)) parts.push_back(make_lowercase());
  parts.push_back(make_replace_pattern("\\s{2,}|[\\n\\r\\t]", " ", file.name));
  parts.push_back(make_unicode_form(UnicodeForm::kNfc));
  parts.push_back(make_strip(false, true));
  file.normalizer = make_normalizer_sequence(std::move(parts));
  PreTokenizers cuts;
  if (settings.split_by_punct) cuts.push_back(make_punctuation(Delimiter::kIsolated));
  const bool always = settings.add_prefix_space.value_or(true);
  cuts.push_back(make_metaspace({kMetaspace, always ? MetaspacePrepend::kAlways : MetaspacePrepend::kFirst, true}));
  file.pre_tokenizer = make_pre_tokenizer_sequence(std::move(cuts));
}

void rebuild_byte_level(const TokenizerSettings& settings, TokenizerFile& file) {
  set_bpe(model_of<BpeConfig>(settings, file, "BPE"), false, false, true);
  file.normalizer = nullptr;
  file.pre_tokenizer = make_byte_level(settings.add_prefix_space.value_or(false), true);
}

void rebuild_qwen2(const TokenizerSettings& settings, TokenizerFile& file) {
  set_bpe(model_of<BpeConfig>(settings, file, "BPE"), false, false, true);
  file.normalizer = make_unicode_form(UnicodeForm::kNfc);
  PreTokenizers parts;
  parts.push_back(make_pattern_split(kQwen2Pattern));
  parts.push_back(make_byte_level(settings.add_prefix_space.value_or(false), false));
  file.pre_tokenizer = make_pre_tokenizer_sequence(std::move(parts));
}

void rebuild_llama(const TokenizerSettings& settings, TokenizerFile& file) {
  set_bpe(model_of<BpeConfig>(settings, file, "BPE"), true, true, false);
  file.normalizer = nullptr;
  const bool prefix = settings.add_prefix_space.value_or(true);
  const MetaspacePrepend where = settings.legacy ? MetaspacePrepend::kAlways : MetaspacePrepend::kFirst;
  file.pre_tokenizer = make_metaspace({kMetaspace, prefix ? where : MetaspacePrepend::kNever, false});
}

void rebuild_gemma(const TokenizerSettings& settings, TokenizerFile& file) {
  auto& model = model_of<BpeConfig>(settings, file, "BPE");
  set_bpe(model, true, true, false);
  model.unk_token = token(settings, "unk_token");
  file.normalizer = make_replace_string(" ", std::string(kMetaspaceText));
  file.pre_tokenizer = make_string_split(" ", Delimiter::kMergedWithPrevious, false);
}

void rebuild_mpnet(const TokenizerSettings& settings, TokenizerFile& file) {
  auto& model = model_of<WordPieceConfig>(settings, file, "WordPiece");
  WordPieceConfig rebuilt;
  rebuilt.vocab = std::move(model.vocab);
  rebuilt.unk_token = token(settings, "unk_token");
  model = std::move(rebuilt);
  file.normalizer =
      make_bert_normalizer({true, settings.tokenize_chinese_chars, settings.strip_accents, settings.do_lower_case});
  file.pre_tokenizer = make_bert_pre_tokenizer();
}

struct Role {
  const char* name;
  const char* content;
  bool lstrip = false;
};

// What a class puts around and between two sequences.
enum class Pairs {
  kNone,        // nothing that is known here; the file's where it stands for one sequence, too
  kSeparated,   // [CLS] A [SEP] B [SEP], from B on of type 1
  kFilesFirst,  // what tokenizer.json puts there, else as kSeparated
  kTwice,       // <s> A </s> </s> B </s>
  kClosed,      // A </s> B </s>
};

struct RebuiltClass {
  const char* name;
  void (*rebuild)(const TokenizerSettings& settings, TokenizerFile& file);
  std::initializer_list<Role> tokens;
  const char* before;  // role of the token before a sequence; null: none, or the file's where `after` is null, too
  const char* after;
  Pairs pairs;
  VocabularySource source;  // where there is no tokenizer.json
};

const std::initializer_list<Role> kXlmRoles = {{"bos_token", "<s>"},    {"eos_token", "</s>"},  {"sep_token", "</s>"},
                                               {"cls_token", "<s>"},    {"unk_token", "<unk>"}, {"pad_token", "<pad>"},
                                               {"mask_token", "<mask>"}};
const std::initializer_list<Role> kMaskStripsRoles = {
    {"bos_token", "<s>"},   {"eos_token", "</s>"},  {"sep_token", "</s>"},         {"cls_token", "<s>"},
    {"unk_token", "<unk>"}, {"pad_token", "<pad>"}, {"mask_token", "<mask>", true}};
const std::initializer_list<Role> kMpnetRoles = {
    {"bos_token", "<s>"},   {"eos_token", "</s>"},  {"sep_token", "</s>"},         {"cls_token", "<s>"},
    {"unk_token", "[UNK]"}, {"pad_token", "<pad>"}, {"mask_token", "<mask>", true}};
const std::initializer_list<Role> kT5Roles = {{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
const std::initializer_list<Role> kAlbertRoles = {
    {"bos_token", "[CLS]"}, {"eos_token", "[SEP]"}, {"unk_token", "<unk>"},  {"sep_token", "[SEP]"},
    {"pad_token", "<pad>"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};
const std::initializer_list<Role> kDebertaRoles = {
    {"bos_token", "[CLS]"}, {"eos_token", "[SEP]"}, {"unk_token", "[UNK]"},  {"sep_token", "[SEP]"},
    {"pad_token", "[PAD]"}, {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"}};
const std::initializer_list<Role> kGpt2Roles = {
    {"unk_token", "<|endoftext|>"}, {"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}};
const std::initializer_list<Role> kQwen2Roles = {
    {"unk_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"pad_token", "<|endoftext|>"}};
const std::initializer_list<Role> kLlamaRoles = {{"unk_token", "<unk>"}, {"bos_token", "<s>"}, {"eos_token", "</s>"}};
const std::initializer_list<Role> kGemmaRoles = {{"unk_token", "<unk>"},
                                                 {"bos_token", "<bos>"},
                                                 {"eos_token", "<eos>"},
                                                 {"pad_token", "<pad>"},
                                                 {"mask_token", "<mask>"}};

const RebuiltClass kClasses[] = {
    {"AlbertTokenizer", rebuild_albert, kAlbertRoles, "cls_token", "sep_token", Pairs::kFilesFirst,
     VocabularySource::kSentencePiece},
    {"CamembertTokenizer", rebuild_sentencepiece, kMaskStripsRoles, "bos_token", "eos_token", Pairs::kTwice,
     VocabularySource::kSentencePiece},
    {"DebertaV2Tokenizer", rebuild_deberta_v2, kDebertaRoles, "cls_token", "sep_token", Pairs::kSeparated,
     VocabularySource::kSentencePiece},
    {"GPT2Tokenizer", rebuild_byte_level, kGpt2Roles, nullptr, nullptr, Pairs::kNone,
     VocabularySource::kVocabAndMerges},
    {"GemmaTokenizer", rebuild_gemma, kGemmaRoles, nullptr, nullptr, Pairs::kNone, VocabularySource::kSentencePiece},
    {"LlamaTokenizer", rebuild_llama, kLlamaRoles, nullptr, nullptr, Pairs::kNone, VocabularySource::kSentencePiece},
    {"MPNetTokenizer", rebuild_mpnet, kMpnetRoles, "cls_token", "sep_token", Pairs::kTwice,
     VocabularySource::kVocabTxt},
    {"Qwen2Tokenizer", rebuild_qwen2, kQwen2Roles, nullptr, nullptr, Pairs::kNone, VocabularySource::kVocabAndMerges},
    {"RobertaTokenizer", rebuild_byte_level, kXlmRoles, "cls_token", "sep_token", Pairs::kTwice,
     VocabularySource::kVocabAndMerges},
    {"T5Tokenizer", rebuild_sentencepiece, kT5Roles, nullptr, "eos_token", Pairs::kClosed,
     VocabularySource::kSentencePiece},
    {"XLMRobertaTokenizer", rebuild_sentencepiece, kXlmRoles, "bos_token", "eos_token", Pairs::kTwice,
     VocabularySource::kSentencePiece}};

const RebuiltClass* find_class(std::string_view name) {
  for (const RebuiltClass& rebuilt : kClasses) {
    if (rebuilt.name == name) return &rebuilt;
  }
  return nullptr;
}

AddedToken special(std::string content, bool lstrip) {
  AddedToken token;
  token.content = std::move(content);
  token.lstrip = lstrip;
  token.normalized = false;
  token.special = true;
  return token;
}

}  // namespace

bool is_rebuilt(std::string_view tokenizer_class) {
  return find_class(tokenizer_class) != nullptr;
}

void check_source(const TokenizerSettings& settings) {
  const auto name_of = [](VocabularySource source) {
    switch (source) {
      case VocabularySource::kSentencePiece: return "a SentencePiece file (tokenizer.model, spiece.model, ...)";
      case VocabularySource::kVocabAndMerges: return "vocab.json with merges.txt";
      case VocabularySource::kVocabTxt: return "vocab.txt";
      case VocabularySource::kTokenizerJson: break;
    }
    return "tokenizer.json";
  };
  if (settings.source == VocabularySource::kTokenizerJson) return;
  const VocabularySource expected = find_class(settings.tokenizer_class)->source;
  check(settings.source == expected, Code::kUnsupported,
        "tokenizer_config.json: tokenizer_class \"{}\" is not built from {}, expected {} or tokenizer.json",
        settings.tokenizer_class, name_of(settings.source), name_of(expected));
}

void add_default_tokens(TokenizerSettings& settings) {
  for (const Role& role : find_class(settings.tokenizer_class)->tokens) {
    settings.named_tokens.emplace(role.name, special(role.content, role.lstrip));
  }
  if (settings.names_extra_tokens) return;
  if (settings.tokenizer_class == "T5Tokenizer") {
    for (int64_t i = 0; i < settings.extra_ids; ++i) {
      settings.extra_tokens.push_back(special(message("<extra_id_{}>", i), false));
    }
  }
  const bool from_sentencepiece = settings.source == VocabularySource::kSentencePiece;
  if (settings.tokenizer_class == "CamembertTokenizer" && settings.extra_tokens.empty() && !from_sentencepiece) {
    for (const char* content : {"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"}) {
      settings.extra_tokens.push_back(special(content, false));
    }
  }
}

void rebuild_stages(const TokenizerSettings& settings, TokenizerFile& file) {
  find_class(settings.tokenizer_class)->rebuild(settings, file);
}

TemplateConfig rebuilt_post_processor(const TokenizerSettings& settings, const TemplateConfig& of_file,
                                      AddedVocabulary& vocabulary) {
  const RebuiltClass& rebuilt = *find_class(settings.tokenizer_class);
  const bool has_own = rebuilt.before != nullptr || rebuilt.after != nullptr;
  if (!has_own && settings.source == VocabularySource::kTokenizerJson) return of_file;
  TemplateConfig config;
  const auto add = [&](const char* role, bool wanted, SpecialTokens& place) {
    const auto token = settings.named_tokens.find(role);
    if (wanted && token != settings.named_tokens.end()) place = {{vocabulary.add(token->second)}, {0}};
  };
  add("bos_token", !has_own && settings.add_bos_token, config.before);
  add("eos_token", !has_own && settings.add_eos_token, config.after);
  if (rebuilt.before != nullptr) config.before = {{vocabulary.add(settings.named_tokens.at(rebuilt.before))}, {0}};
  if (rebuilt.after != nullptr) config.after = {{vocabulary.add(settings.named_tokens.at(rebuilt.after))}, {0}};
  const bool is_from_file =
      settings.source == VocabularySource::kTokenizerJson && !(of_file.before.ids.empty() && of_file.after.ids.empty());
  switch (rebuilt.pairs) {
    case Pairs::kNone: break;
    case Pairs::kFilesFirst:
      config = bert_template(config.before.ids.front(), config.after.ids.front());
      if (is_from_file) config.pair = of_file.pair;
      break;
    case Pairs::kSeparated: return bert_template(config.before.ids.front(), config.after.ids.front());
    case Pairs::kTwice: return roberta_template(config.before.ids.front(), config.after.ids.front());
    case Pairs::kClosed: config.pair = PairTemplate{{}, config.after, config.after, 0, 0}; break;
  }
  return config;
}

}  // namespace emberline
