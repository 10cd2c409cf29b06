// SPDX-License-Identifier: Apache-2.0
#include "text/model_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "text/stage_names.h"

namespace emberline {
namespace {

using ModelReader = TokenModelConfig (*)(const JsonNode& node);

Vocabulary read_vocabulary(const JsonNode& node) {
  Vocabulary vocabulary = node.ids();
  check(!vocabulary.empty(), Code::kFormat, "{}: has no pieces", node.place());
  check_ids_differ(vocabulary, node.place());
  return vocabulary;
}

TokenModelConfig read_wordpiece(const JsonNode& node) {
  WordPieceConfig config;
  config.unk_token = node.at("unk_token").text();
  config.continuing_subword_prefix = node.at("continuing_subword_prefix").text();
  config.max_input_chars_per_word = static_cast<size_t>(node.at("max_input_chars_per_word").integer(0, kMaxId));
  config.vocab = read_vocabulary(node.at("vocab"));
  return config;
}

TokenModelConfig read_unigram(const JsonNode& node) {
  UnigramConfig config;
  const JsonNode vocabulary = node.at("vocab");
  config.pieces = vocabulary.scores();
  check(!config.pieces.empty(), Code::kFormat, "{}: has no pieces", vocabulary.place());
  check_pieces_differ(config, vocabulary.place());
  check(node.has("unk_id"), Code::kUnsupported, "{}: has no unk_id, expected the place of the unknown piece in vocab",
        node.place());
  config.unk_id = static_cast<int32_t>(node.at("unk_id").integer(0, static_cast<int64_t>(config.pieces.size()) - 1));
  config.byte_fallback = node.boolean_or("byte_fallback", false);
  return config;
}

TokenModelConfig read_bpe(const JsonNode& node) {
  BpeConfig config;
  if (node.has("dropout")) {
    const double dropout = node.at("dropout").number();
    check(dropout == 0, Code::kUnsupported, "{}: dropout {} gives other ids from call to call, expected null or 0",
          node.place(), dropout);
  }
  if (node.has("unk_token")) config.unk_token = node.at("unk_token").text();
  config.continuing_subword_prefix = node.text_or("continuing_subword_prefix", "");
  config.end_of_word_suffix = node.text_or("end_of_word_suffix", "");
  config.fuse_unk = node.boolean_or("fuse_unk", false);
  config.byte_fallback = node.boolean_or("byte_fallback", false);
  config.ignore_merges = node.boolean_or("ignore_merges", false);
  config.vocab = read_vocabulary(node.at("vocab"));
  config.merges = node.at("merges").pairs();
  return config;
}

TokenModelConfig read_word_level(const JsonNode& node) {
  return WordLevelConfig{read_vocabulary(node.at("vocab")), node.at("unk_token").text()};
}

const std::map<std::string, ModelReader>& model_readers() {
  static const std::map<std::string, ModelReader> kReaders = {
      {"BPE", read_bpe}, {"Unigram", read_unigram}, {"WordLevel", read_word_level}, {"WordPiece", read_wordpiece}};
  return kReaders;
}

// Files of before the type was written.
std::string guess_type(const JsonNode& node) {
  if (node.has("merges")) return "BPE";
  if (node.has("continuing_subword_prefix")) return "WordPiece";
  if (node.has("unk_id")) return "Unigram";
  return "(none)";
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

TokenModelConfig read_token_model(const JsonNode& node) {
  const std::string type = node.text_or("type", guess_type(node));
  const auto reader = model_readers().find(type);
  if (reader == model_readers().end()) fail_stage(node, type, names_of(model_readers()));
  return reader->second(node);
}

const char* kind_of(const TokenModelConfig& config) {
  return std::visit(
      Overloaded{[](const WordPieceConfig&) { return "WordPiece"; }, [](const UnigramConfig&) { return "Unigram"; },
                 [](const BpeConfig&) { return "BPE"; }, [](const WordLevelConfig&) { return "WordLevel"; }},
      config);
}

Vocabulary vocabulary_of(const TokenModelConfig& config) {
  const auto* unigram = std::get_if<UnigramConfig>(&config);
  if (unigram == nullptr) {
    return std::visit(
        Overloaded{[](const UnigramConfig&) { return Vocabulary(); }, [](const auto& other) { return other.vocab; }},
        config);
  }
  Vocabulary vocabulary;
  vocabulary.reserve(unigram->pieces.size());
  for (const auto& [piece, score] : unigram->pieces) {
    vocabulary.emplace_back(piece, static_cast<int32_t>(vocabulary.size()));
  }
  std::sort(vocabulary.begin(), vocabulary.end());
  return vocabulary;
}

std::unique_ptr<TokenModel> make_token_model(const TokenModelConfig& config, const std::string& place) {
  return std::visit(Overloaded{[](const WordPieceConfig& wordpiece) { return make_wordpiece(wordpiece); },
                               [](const UnigramConfig& unigram) { return make_unigram(unigram); },
                               [&](const BpeConfig& bpe) { return make_bpe(bpe, place); },
                               [](const WordLevelConfig& word_level) { return make_word_level(word_level); }},
                    config);
}

// The digits as one integer, then multiplied or divided once by a power of ten.
void round_scores_as_tokenizers(UnigramConfig& config) {
  for (auto& [piece, score] : config.pieces) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof(text), std::abs(score), std::chars_format::scientific).ptr;
    const char* const mark = std::find(text, end, 'e');
    uint64_t digits = 0;
    int exponent = 0;
    std::from_chars(mark[1] == '+' ? mark + 2 : mark + 1, end, exponent);
    bool behind_point = false;
    for (const char* p = text; p < mark; ++p) {
      if (*p == '.') {
        behind_point = true;
        continue;
      }
      digits = 10 * digits + static_cast<uint64_t>(*p - '0');
      exponent -= behind_point;
    }
    const double power = std::pow(10.0, std::abs(exponent));
    const double rounded = exponent < 0 ? static_cast<double>(digits) / power : static_cast<double>(digits) * power;
    score = std::copysign(rounded, score);
  }
}

void check_ids_differ(const Vocabulary& vocabulary, const std::string& place) {
  std::vector<int32_t> ids;
  ids.reserve(vocabulary.size());
  for (const auto& [piece, id] : vocabulary) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  const auto same = std::adjacent_find(ids.begin(), ids.end());
  if (same == ids.end()) return;
  const auto has_id = [&](const auto& entry) { return entry.second == *same; };
  const auto first = std::find_if(vocabulary.begin(), vocabulary.end(), has_id);
  const auto second = std::find_if(first + 1, vocabulary.end(), has_id);
  fail(Code::kFormat, "{}: pieces \"{}\" and \"{}\" share id {}", place, first->first, second->first, *same);
}

void check_pieces_differ(const UnigramConfig& config, const std::string& place) {
  std::unordered_map<std::string_view, size_t> places;
  places.reserve(config.pieces.size());
  for (size_t i = 0; i < config.pieces.size(); ++i) {
    const auto [found, is_new] = places.emplace(config.pieces[i].first, i);
    check(is_new, Code::kFormat, "{}: piece \"{}\" is there twice, as {} and {}", place, config.pieces[i].first,
          found->second, i);
  }
}

}  // namespace emberline
