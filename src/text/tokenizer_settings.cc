// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_settings.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/json_node.h"
#include "text/tokenizer_json.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// Classes that are built as BertTokenizer is; all of them also exist with "Fast" behind the name.
constexpr std::string_view kBertClasses[] = {
    "BertTokenizer",       "ConvBertTokenizer",   "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer",
    "DistilBertTokenizer", "ElectraTokenizer",    "LayoutLMTokenizer",          "LxmertTokenizer",
    "MobileBertTokenizer", "SqueezeBertTokenizer"};
// Classes that are built in ways of their own, which are not followed here.
constexpr std::string_view kOtherClasses[] = {"FunnelTokenizer", "LayoutLMv2Tokenizer", "MPNetTokenizer",
                                              "SplinterTokenizer"};
// Model types whose tokenizer is BertTokenizer where no file names a class.
constexpr std::string_view kBertModelTypes[] = {"bert",          "convbert", "distilbert", "electra",    "ernie",
                                                "megatron-bert", "nezha",    "nomic_bert", "squeezebert"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

std::optional<JsonFile> read_json(const fs::path& directory, const char* name) {
  if (!fs::exists(directory / name)) return std::nullopt;
  return JsonFile::parse(read_text_file(directory / name), name);
}

bool rebuilds_bert(std::string tokenizer_class, const std::optional<JsonFile>& config) {
  std::string model_type;
  if (config) {
    if (tokenizer_class.empty()) tokenizer_class = config->root().text_or("tokenizer_class", "");
    model_type = config->root().text_or("model_type", "");
  }
  if (tokenizer_class.empty()) return contains(kBertModelTypes, model_type);
  if (tokenizer_class.ends_with("Fast")) tokenizer_class.resize(tokenizer_class.size() - 4);
  check(!contains(kOtherClasses, tokenizer_class), Code::kUnsupported,
        "tokenizer_config.json: tokenizer_class \"{}\" is not supported; BertTokenizer and its kin are",
        tokenizer_class);
  return contains(kBertClasses, tokenizer_class);
}

AddedToken special_token(const std::string& content) {
  AddedToken token;
  token.content = content;
  token.special = true;
  token.normalized = false;
  return token;
}

// Plain text stands for a special token; an object says its flags.
AddedToken read_special_token(const JsonNode& node) {
  if (node.is_text()) return special_token(node.text());
  AddedToken token = read_added_token(node, -1);
  token.special = true;
  token.normalized = node.boolean_or("normalized", false);
  return token;
}

void read_named_tokens(const JsonNode& root, std::map<std::string, AddedToken>& tokens) {
  for (const std::string& key : root.keys()) {
    const JsonNode node = root.member(key);
    if (key.ends_with("_token") && (node.is_text() || node.is_object())) tokens[key] = read_special_token(node);
  }
}

std::vector<AddedToken> read_extra_tokens(const JsonNode& root) {
  std::vector<AddedToken> tokens;
  const char* key = root.has("extra_special_tokens") ? "extra_special_tokens" : "additional_special_tokens";
  if (!root.has(key) || !root.at(key).is_list()) return tokens;
  for (const JsonNode& node : root.at(key).list()) tokens.push_back(read_special_token(node));
  return tokens;
}

std::vector<AddedToken> read_decoder(const JsonNode& decoder) {
  std::vector<AddedToken> tokens;
  for (const std::string& key : decoder.keys()) {
    const bool is_id = !key.empty() && key.size() < 10 && key.find_first_not_of("0123456789") == std::string::npos;
    check(is_id, Code::kFormat, "{}: got key \"{}\", expected a token id", decoder.place(), key);
    tokens.push_back(read_added_token(decoder.member(key), std::stoi(key)));
  }
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return tokens;
}

// added_tokens.json: ids by token. Those that have a role are special.
std::vector<AddedToken> read_older_tokens(const JsonNode& root, const std::map<std::string, AddedToken>& named) {
  std::vector<AddedToken> tokens;
  for (const auto& [content, id] : root.ids()) {
    AddedToken token;
    token.content = content;
    token.id = id;
    token.special = std::any_of(named.begin(), named.end(),
                                [&, &text = content](const auto& role) { return role.second.content == text; });
    token.normalized = !token.special;
    tokens.push_back(token);
  }
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return tokens;
}

void read_tokenizer_config(const JsonNode& root, TokenizerSettings& settings) {
  settings.do_lower_case = root.boolean_or("do_lower_case", true);
  settings.strip_accents = root.boolean_or("strip_accents", settings.do_lower_case);
  settings.tokenize_chinese_chars = root.boolean_or("tokenize_chinese_chars", true);
  settings.split_special_tokens = root.boolean_or("split_special_tokens", false);
  settings.truncation_side = root.text_or("truncation_side", "");
  check(settings.truncation_side.empty() || settings.truncation_side == "left" || settings.truncation_side == "right",
        Code::kFormat, "tokenizer_config.json: truncation_side is \"{}\", expected left or right",
        settings.truncation_side);
  read_named_tokens(root, settings.named_tokens);
  settings.extra_tokens = read_extra_tokens(root);
  if (root.has("added_tokens_decoder")) settings.added_tokens = read_decoder(root.at("added_tokens_decoder"));
}

}  // namespace

TokenizerSettings read_tokenizer_settings(const fs::path& directory, bool has_tokenizer_json) {
  const std::optional<JsonFile> tokenizer_config = read_json(directory, "tokenizer_config.json");
  const std::optional<JsonFile> config = read_json(directory, "config.json");

  TokenizerSettings settings;
  const std::string named = tokenizer_config ? tokenizer_config->root().text_or("tokenizer_class", "") : "";
  settings.rebuilds_bert = rebuilds_bert(named, config) || !has_tokenizer_json;
  if (tokenizer_config) read_tokenizer_config(tokenizer_config->root(), settings);
  // transformers reads these older files only where added_tokens_decoder has not taken their place.
  if (!settings.added_tokens) {
    const std::optional<JsonFile> map = read_json(directory, "special_tokens_map.json");
    if (map) {
      read_named_tokens(map->root(), settings.named_tokens);
      if (settings.extra_tokens.empty()) settings.extra_tokens = read_extra_tokens(map->root());
    }
    const std::optional<JsonFile> older = read_json(directory, "added_tokens.json");
    if (older) settings.older_tokens = read_older_tokens(older->root(), settings.named_tokens);
  }
  if (settings.rebuilds_bert) {
    const std::map<std::string, std::string> defaults = {{"unk_token", "[UNK]"},
                                                         {"sep_token", "[SEP]"},
                                                         {"pad_token", "[PAD]"},
                                                         {"cls_token", "[CLS]"},
                                                         {"mask_token", "[MASK]"}};
    for (const auto& [role, content] : defaults) settings.named_tokens.emplace(role, special_token(content));
  }
  return settings;
}

}  // namespace emberline
