// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_conversion.h"

#include <algorithm>
#include <initializer_list>
#include <unordered_map>

#include "base/error.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using PieceModel = SentencePieceFile::Kind;
using Type = SentencePiece::Type;

// A piece that takes the place of one of the file, or is put in; its text is that of the role, if there is one.
struct Put {
  const char* role;
  const char* text;
  double score;
};

// How a class changes the list of pieces: some of the first go, others come before and behind the rest.
struct Conversion {
  const char* tokenizer_class;
  PieceModel kind;
  size_t num_dropped = 0;
  std::initializer_list<Put> before = {};
  std::initializer_list<Put> behind = {};
};

const std::initializer_list<Put> kFairseqFirst = {
    {"bos_token", "", 0}, {"pad_token", "", 0}, {"eos_token", "", 0}, {"unk_token", "", 0}};
const std::initializer_list<Put> kCamembertFirst = {{nullptr, "<s>NOTUSED", 0},
                                                    {"pad_token", "", 0},
                                                    {nullptr, "</s>NOTUSED", 0},
                                                    {"unk_token", "", 0},
                                                    {nullptr, "<unk>NOTUSED", -100}};
const std::initializer_list<Put> kMask = {{"mask_token", "", 0}};

const Conversion kConversions[] = {{"AlbertTokenizer", PieceModel::kUnigram},
                                   {"CamembertTokenizer", PieceModel::kUnigram, 1, kCamembertFirst, kMask},
                                   {"DebertaV2Tokenizer", PieceModel::kUnigram},
                                   {"GemmaTokenizer", PieceModel::kBpe},
                                   {"LlamaTokenizer", PieceModel::kBpe},
                                   {"T5Tokenizer", PieceModel::kUnigram},
                                   {"XLMRobertaTokenizer", PieceModel::kUnigram, 3, kFairseqFirst, kMask}};

const char* name_of(PieceModel kind) {
  return kind == PieceModel::kUnigram ? "unigram" : "bpe";
}

const Conversion& find_conversion(const SentencePieceFile& from, const TokenizerSettings& settings) {
  const auto* const found = std::find_if(
      std::begin(kConversions), std::end(kConversions),
      [&](const Conversion& conversion) { return conversion.tokenizer_class == settings.tokenizer_class; });
  check(found != std::end(kConversions), Code::kUnsupported,
        "{}: tokenizer_class \"{}\" is not built from a SentencePiece file; name the one that fits in "
        "tokenizer_config.json",
        from.name, settings.tokenizer_class);
  check(found->kind == from.kind, Code::kUnsupported,
        "{}: the model is {}, but {} needs {}; name the tokenizer_class that fits in tokenizer_config.json", from.name,
        name_of(from.kind), settings.tokenizer_class, name_of(found->kind));
  return *found;
}

void add_extra_tokens(const SentencePieceFile& from, TokenizerSettings& settings) {
  if (settings.names_extra_tokens) return;
  std::vector<AddedToken> tokens;
  for (const SentencePiece& piece : from.pieces) {
    if (piece.type != Type::kControl && piece.type != Type::kUserDefined) continue;
    AddedToken token;
    token.content = piece.text;
    token.normalized = false;
    token.special = piece.type == Type::kControl;
    tokens.push_back(std::move(token));
  }
  settings.extra_tokens.insert(settings.extra_tokens.begin(), tokens.begin(), tokens.end());
}

UnigramConfig unigram_of(const SentencePieceFile& from, const Conversion& conversion,
                         const TokenizerSettings& settings) {
  check(from.pieces.size() >= conversion.num_dropped, Code::kFormat,
        "{}: has {} pieces, but {} has others in place of {}", from.name, from.pieces.size(), settings.tokenizer_class,
        conversion.num_dropped);
  UnigramConfig config;
  const auto put = [&](const Put& piece) {
    config.pieces.emplace_back(piece.role != nullptr ? settings.named_tokens.at(piece.role).content : piece.text,
                               piece.score);
  };
  for (const Put& piece : conversion.before) put(piece);
  for (size_t i = conversion.num_dropped; i < from.pieces.size(); ++i) {
    config.pieces.emplace_back(from.pieces[i].text, static_cast<double>(from.pieces[i].score));
  }
  for (const Put& piece : conversion.behind) put(piece);
  if (settings.tokenizer_class == "T5Tokenizer") {
    for (int64_t i = settings.extra_ids; i-- > 0;) config.pieces.emplace_back(message("<extra_id_{}>", i), 0.0);
  }
  check_pieces_differ(config, message("{}: as {} has it", from.name, settings.tokenizer_class));
  return config;
}

// A merge for each way to cut a piece in two that are pieces; the pieces' order is that of the merges.
BpeConfig bpe_of(const SentencePieceFile& from) {
  BpeConfig config;
  std::unordered_map<std::string_view, int32_t> ids;
  ids.reserve(from.pieces.size());
  for (const SentencePiece& piece : from.pieces) {
    const auto id = static_cast<int32_t>(ids.size());
    ids.emplace(piece.text, id);
    config.vocab.emplace_back(piece.text, id);
  }
  for (const SentencePiece& piece : from.pieces) {
    const std::string_view whole = piece.text;
    for (size_t at = utf8::step(whole).length; at < whole.size(); at += utf8::step(whole.substr(at)).length) {
      const std::string_view left = whole.substr(0, at);
      const std::string_view right = whole.substr(at);
      if (ids.count(left) != 0 && ids.count(right) != 0) config.merges.emplace_back(left, right);
    }
  }
  std::sort(config.vocab.begin(), config.vocab.end());
  return config;
}

}  // namespace

void convert_sentencepiece(SentencePieceFile from, TokenizerSettings& settings, TokenizerFile& file) {
  const Conversion& conversion = find_conversion(from, settings);
  add_extra_tokens(from, settings);
  settings.unk_id = from.unk_id;
  file.name = from.name;
  file.charsmap = std::move(from.charsmap);
  if (from.kind == PieceModel::kUnigram) {
    file.model = unigram_of(from, conversion, settings);
  } else {
    file.model = bpe_of(from);
  }
}

}  // namespace emberline
