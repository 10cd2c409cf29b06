// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer_json.h"

#include <map>
#include <string>

#include "base/error.h"
#include "text/bert_pre_tokenizer.h"
#include "text/byte_level.h"
#include "text/metaspace.h"
#include "text/pattern_split.h"
#include "text/pre_tokenizer_sequence.h"
#include "text/splits.h"
#include "text/stage_names.h"
#include "text/utf8.h"

namespace emberline {
namespace {

using PreTokenizerReader = PreTokenizerStage (*)(const JsonNode& node);

Delimiter read_delimiter(const JsonNode& node) {
  static const std::map<std::string, Delimiter> kNames = {{"Contiguous", Delimiter::kContiguous},
                                                          {"Isolated", Delimiter::kIsolated},
                                                          {"MergedWithNext", Delimiter::kMergedWithNext},
                                                          {"MergedWithPrevious", Delimiter::kMergedWithPrevious},
                                                          {"Removed", Delimiter::kRemoved}};
  const std::string name = node.text();
  const auto found = kNames.find(name);
  check(found != kNames.end(), Code::kFormat, "{}: got \"{}\", expected one of {}", node.place(), name,
        names_of(kNames));
  return found->second;
}

char32_t read_character(const JsonNode& node) {
  const std::string text = node.text();
  check(utf8::count(text) == 1, Code::kFormat, "{}: got \"{}\", expected one character", node.place(), text);
  return utf8::step(text).code_point;
}

PreTokenizerStage read_metaspace(const JsonNode& node) {
  static const std::map<std::string, MetaspaceConfig::Prepend> kSchemes = {
      {"always", MetaspaceConfig::Prepend::kAlways},
      {"first", MetaspaceConfig::Prepend::kFirst},
      {"never", MetaspaceConfig::Prepend::kNever}};
  MetaspaceConfig config;
  config.replacement = read_character(node.at("replacement"));
  config.split = node.boolean_or("split", true);
  const std::string scheme = node.text_or("prepend_scheme", "always");
  const auto found = kSchemes.find(scheme);
  check(found != kSchemes.end(), Code::kFormat, "{}: prepend_scheme \"{}\", expected one of {}", node.place(), scheme,
        names_of(kSchemes));
  config.prepend = found->second;
  // The older name of the option, which says no more than whether there is a prefix.
  check(node.boolean_or("add_prefix_space", true) || config.prepend == MetaspaceConfig::Prepend::kNever, Code::kFormat,
        "{}: add_prefix_space is false, but prepend_scheme is \"{}\"; expected \"never\"", node.place(), scheme);
  return {make_metaspace(config), false};
}

PreTokenizerStage read_byte_level_pre_tokenizer(const JsonNode& node) {
  return {make_byte_level(node.at("add_prefix_space").boolean(), node.boolean_or("use_regex", true)), true};
}

PreTokenizerStage read_split(const JsonNode& node) {
  const Delimiter delimiter = read_delimiter(node.at("behavior"));
  const bool invert = node.at("invert").boolean();
  const JsonNode pattern = node.at("pattern");
  if (pattern.has("String")) {
    std::string text = pattern.at("String").text();
    check(!text.empty(), Code::kUnsupported, "{}: an empty string to split at, expected at least one character",
          pattern.place());
    return {make_string_split(std::move(text), delimiter, invert), false};
  }
  const std::string regex = pattern.at("Regex").text();
  // The patterns matched by hand leave nothing between their matches, so both of these give the matches.
  const bool gives_matches = invert ? delimiter == Delimiter::kRemoved : delimiter == Delimiter::kIsolated;
  auto stage = gives_matches ? make_pattern_split(regex) : nullptr;
  if (stage == nullptr) stage = make_regex_split(Regex(regex, pattern.place()), delimiter, invert);
  return {std::move(stage), false};
}

PreTokenizerStage read_pre_tokenizer_sequence(const JsonNode& node) {
  PreTokenizerStage sequence;
  std::vector<std::unique_ptr<PreTokenizer>> parts;
  for (const JsonNode& part : node.at("pretokenizers").list()) {
    check(!sequence.byte_level, Code::kUnsupported, "{}: a stage behind ByteLevel, expected ByteLevel to be the last",
          part.place());
    PreTokenizerStage stage = read_pre_tokenizer(part);
    parts.push_back(std::move(stage.stage));
    sequence.byte_level = stage.byte_level;
  }
  sequence.stage = make_pre_tokenizer_sequence(std::move(parts));
  return sequence;
}

PreTokenizerStage stage(std::unique_ptr<PreTokenizer> pre_tokenizer) {
  return {std::move(pre_tokenizer), false};
}

const std::map<std::string, PreTokenizerReader>& pre_tokenizer_readers() {
  static const std::map<std::string, PreTokenizerReader> kReaders = {
      {"BertPreTokenizer", [](const JsonNode&) { return stage(make_bert_pre_tokenizer()); }},
      {"ByteLevel", read_byte_level_pre_tokenizer},
      {"Digits", [](const JsonNode& node) { return stage(make_digits(node.at("individual_digits").boolean())); }},
      {"Metaspace", read_metaspace},
      {"Punctuation",
       [](const JsonNode& node) {
         const bool given = node.has("behavior");
         return stage(make_punctuation(given ? read_delimiter(node.at("behavior")) : Delimiter::kIsolated));
       }},
      {"Sequence", read_pre_tokenizer_sequence},
      {"Split", read_split},
      {"Whitespace", [](const JsonNode&) { return stage(make_whitespace()); }},
      {"WhitespaceSplit", [](const JsonNode&) { return stage(make_whitespace_split()); }}};
  return kReaders;
}

}  // namespace

PreTokenizerStage read_pre_tokenizer(const JsonNode& node) {
  const std::string type = node.at("type").text();
  const auto reader = pre_tokenizer_readers().find(type);
  if (reader == pre_tokenizer_readers().end()) fail_stage(node, type, names_of(pre_tokenizer_readers()) + ", null");
  return reader->second(node);
}

}  // namespace emberline
