// SPDX-License-Identifier: Apache-2.0
#include "text/normalizer_json.h"

#include <map>
#include <string>

#include "base/error.h"
#include "text/char_normalizers.h"
#include "text/normalizer_sequence.h"
#include "text/precompiled.h"
#include "text/replace.h"
#include "text/stage_names.h"
#include "text/unicode_form.h"

namespace emberline {
namespace {

using NormalizerReader = std::unique_ptr<Normalizer> (*)(const JsonNode& node);

std::unique_ptr<Normalizer> read_normalizer_sequence(const JsonNode& node) {
  std::vector<std::unique_ptr<Normalizer>> parts;
  for (const JsonNode& part : node.at("normalizers").list()) parts.push_back(read_normalizer(part));
  return make_normalizer_sequence(std::move(parts));
}

std::unique_ptr<Normalizer> read_replace(const JsonNode& node) {
  const JsonNode pattern = node.at("pattern");
  std::string content = node.at("content").text();
  if (pattern.has("String")) {
    std::string text = pattern.at("String").text();
    check(!text.empty(), Code::kUnsupported, "{}: an empty string to replace, expected at least one character",
          pattern.place());
    return make_replace_string(std::move(text), std::move(content));
  }
  const std::string regex = pattern.at("Regex").text();
  return make_replace_pattern(regex, std::move(content), pattern.place());
}

std::unique_ptr<Normalizer> read_precompiled(const JsonNode& node) {
  const JsonNode charsmap = node.at("precompiled_charsmap");
  return make_precompiled(decode_base64(charsmap.text(), charsmap.place()), charsmap.place());
}

const std::map<std::string, NormalizerReader>& normalizer_readers() {
  static const std::map<std::string, NormalizerReader> kReaders = {
      {"BertNormalizer", [](const JsonNode& node) { return make_bert_normalizer(read_bert_normalizer(node)); }},
      {"Lowercase", [](const JsonNode&) { return make_lowercase(); }},
      {"NFC", [](const JsonNode&) { return make_unicode_form(UnicodeForm::kNfc); }},
      {"NFD", [](const JsonNode&) { return make_unicode_form(UnicodeForm::kNfd); }},
      {"NFKC", [](const JsonNode&) { return make_unicode_form(UnicodeForm::kNfkc); }},
      {"NFKD", [](const JsonNode&) { return make_unicode_form(UnicodeForm::kNfkd); }},
      {"Nmt", [](const JsonNode&) { return make_nmt(); }},
      {"Precompiled", read_precompiled},
      {"Prepend", [](const JsonNode& node) { return make_prepend(node.at("prepend").text()); }},
      {"Replace", read_replace},
      {"Sequence", read_normalizer_sequence},
      {"Strip",
       [](const JsonNode& node) {
         return make_strip(node.at("strip_left").boolean(), node.at("strip_right").boolean());
       }},
      {"StripAccents", [](const JsonNode&) { return make_strip_accents(); }}};
  return kReaders;
}

}  // namespace

BertNormalizerConfig read_bert_normalizer(const JsonNode& node) {
  BertNormalizerConfig config;
  config.clean_text = node.at("clean_text").boolean();
  config.handle_chinese_chars = node.at("handle_chinese_chars").boolean();
  config.lowercase = node.at("lowercase").boolean();
  config.strip_accents = node.boolean_or("strip_accents", config.lowercase);
  return config;
}

std::unique_ptr<Normalizer> read_normalizer(const JsonNode& node) {
  const std::string type = node.at("type").text();
  const auto reader = normalizer_readers().find(type);
  if (reader == normalizer_readers().end()) fail_stage(node, type, names_of(normalizer_readers()) + ", null");
  return reader->second(node);
}

}  // namespace emberline
