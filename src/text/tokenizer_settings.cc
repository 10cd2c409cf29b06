// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_settings.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/json_node.h"
#include "text/rebuilt_tokenizer.h"
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
constexpr std::string_view kOtherClasses[] = {
    "BarthezTokenizer",   "BigBirdTokenizer",    "BlenderbotTokenizer", "CLIPTokenizer",    "CodeGenTokenizer",
    "CodeLlamaTokenizer", "CohereTokenizer",     "DebertaTokenizer",    "FunnelTokenizer",  "GPTNeoXTokenizer",
    "HerbertTokenizer",   "LayoutLMv2Tokenizer", "LukeTokenizer",       "MBart50Tokenizer", "MBartTokenizer",
    "MLukeTokenizer",     "NllbTokenizer",       "OpenAIGPTTokenizer",  "PegasusTokenizer", "Qwen3_5Tokenizer",
    "ReformerTokenizer",  "RemBertTokenizer",    "SplinterTokenizer",   "UdopTokenizer",    "XGLMTokenizer",
    "XLNetTokenizer"};
// Model types whose tokenizer is BertTokenizer where no file names a class.
constexpr std::string_view kBertModelTypes[] = {"bert",          "convbert", "distilbert", "electra",    "ernie",
                                                "megatron-bert", "nezha",    "nomic_bert", "squeezebert"};
// Other model types and their classes; empty: tokenizer.json rules, whatever class a file names.
constexpr std::pair<std::string_view, std::string_view> kModelTypes[] = {{"albert", "AlbertTokenizer"},
                                                                         {"bart", "RobertaTokenizer"},
                                                                         {"camembert", "CamembertTokenizer"},
                                                                         {"deberta-v2", "DebertaV2Tokenizer"},
                                                                         {"gemma", "GemmaTokenizer"},
                                                                         {"gemma2", "GemmaTokenizer"},
                                                                         {"gemma3", "GemmaTokenizer"},
                                                                         {"gemma3_text", "GemmaTokenizer"},
                                                                         {"gpt2", "GPT2Tokenizer"},
                                                                         {"jina_embeddings_v3", "XLMRobertaTokenizer"},
                                                                         {"modernbert", ""},
                                                                         {"mpnet", "MPNetTokenizer"},
                                                                         {"mt5", "T5Tokenizer"},
                                                                         {"qwen2", "Qwen2Tokenizer"},
                                                                         {"qwen3", "Qwen2Tokenizer"},
                                                                         {"roberta", "RobertaTokenizer"},
                                                                         {"roberta-prelayernorm", "RobertaTokenizer"},
                                                                         {"t5", "T5Tokenizer"},
                                                                         {"umt5", ""},
                                                                         {"xlm-roberta", "XLMRobertaTokenizer"},
                                                                         {"xlm-roberta-xl", ""}};

// Classes whose model_input_names have token_type_ids where no file lists any. BertTokenizer is many classes' other
// name.
constexpr std::string_view kClassesWithoutTypes[] = {"DistilBertTokenizer", "SqueezeBertTokenizer"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

std::optional<JsonFile> read_json(const fs::path& directory, const char* name) {
  if (!is_there(directory / name)) return std::nullopt;
  return JsonFile::parse(read_text_file(directory / name), name);
}

// The class that transformers takes: what a file names, or else what goes with the model type. Empty: tokenizer.json
// rules.
std::string class_of(std::string named, const std::optional<JsonFile>& config) {
  std::string model_type;
  if (config) {
    if (named.empty()) named = config->root().text_or("tokenizer_class", "");
    model_type = config->root().text_or("model_type", "");
  }
  if (named.ends_with("Fast")) named.resize(named.size() - 4);
  std::optional<std::string> registered;
  if (contains(kBertModelTypes, model_type)) registered = "BertTokenizer";
  for (const auto& [type, tokenizer_class] : kModelTypes) {
    if (type == model_type) registered = tokenizer_class;
  }
  if (named.empty()) return registered.value_or("");
  if (registered && registered->empty()) return "";
  // The one model type whose files are known to name wrong classes.
  if (model_type == "qwen2") return "Qwen2Tokenizer";
  return named;
}

// Empty where tokenizer.json rules.
std::string rebuilt_class(const std::string& tokenizer_class) {
  check(
      !contains(kOtherClasses, tokenizer_class), Code::kUnsupported,
      "tokenizer_config.json: tokenizer_class \"{}\" is built in a way that is not supported; PreTrainedTokenizerFast "
      "goes by tokenizer.json alone",
      tokenizer_class);
  if (contains(kBertClasses, tokenizer_class)) return "BertTokenizer";
  return is_rebuilt(tokenizer_class) ? tokenizer_class : "";
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

// An empty list, or null, is a list as well.
bool has_extra_tokens(const JsonNode& root, std::initializer_list<const char*> names) {
  const std::vector<std::string> keys = root.keys();
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return contains(keys, name); });
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

// model_input_names: what the file lists, or else what the class does.
bool reads_types(const std::optional<JsonFile>& file, const TokenizerSettings& settings) {
  if (file && file->root().has("model_input_names")) {
    const std::vector<JsonNode> names = file->root().at("model_input_names").list();
    return std::any_of(names.begin(), names.end(),
                       [](const JsonNode& name) { return name.text() == "token_type_ids"; });
  }
  if (settings.rebuilds_bert) return !contains(kClassesWithoutTypes, settings.named_class);
  return settings.tokenizer_class == "DebertaV2Tokenizer";
}

void read_tokenizer_config(const JsonNode& root, TokenizerSettings& settings) {
  if (root.has("do_lower_case")) settings.lowercases = root.at("do_lower_case").boolean();
  if (root.has("add_prefix_space")) settings.add_prefix_space = root.at("add_prefix_space").boolean();
  settings.legacy = root.boolean_or("legacy", false);
  settings.keep_accents = root.boolean_or("keep_accents", false);
  settings.split_by_punct = root.boolean_or("split_by_punct", false);
  if (root.has("unk_id")) settings.unk_id = root.at("unk_id").integer(0, INT32_MAX);
  if (root.has("extra_ids")) settings.extra_ids = root.at("extra_ids").integer(0, 10000);
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
  settings.names_extra_tokens = has_extra_tokens(root, {"extra_special_tokens", "additional_special_tokens"});
  settings.add_bos_token = root.boolean_or("add_bos_token", false);
  settings.add_eos_token = root.boolean_or("add_eos_token", false);
  settings.unk_for_empty_text = root.boolean_or("unk_for_empty_text", false);
  if (root.has("added_tokens_decoder")) settings.added_tokens = read_decoder(root.at("added_tokens_decoder"));
}

}  // namespace

TokenizerSettings read_tokenizer_settings(const fs::path& directory, VocabularySource source) {
  const std::optional<JsonFile> tokenizer_config = read_json(directory, "tokenizer_config.json");
  const std::optional<JsonFile> config = read_json(directory, "config.json");

  TokenizerSettings settings;
  const std::string named = tokenizer_config ? tokenizer_config->root().text_or("tokenizer_class", "") : "";
  settings.source = source;
  settings.named_class = class_of(named, config);
  const bool is_vocab_txt = source == VocabularySource::kVocabTxt;
  std::string tokenizer_class = "BertTokenizer";
  if (!is_vocab_txt || settings.named_class == "MPNetTokenizer") tokenizer_class = rebuilt_class(settings.named_class);
  settings.rebuilds_bert = tokenizer_class == "BertTokenizer";
  if (!settings.rebuilds_bert) settings.tokenizer_class = tokenizer_class;
  if (tokenizer_config) read_tokenizer_config(tokenizer_config->root(), settings);
  settings.passes_types = reads_types(tokenizer_config, settings);
  // transformers reads these older files only where added_tokens_decoder has not taken their place.
  if (!settings.added_tokens) {
    const std::optional<JsonFile> map = read_json(directory, "special_tokens_map.json");
    if (map) {
      read_named_tokens(map->root(), settings.named_tokens);
      if (settings.extra_tokens.empty()) settings.extra_tokens = read_extra_tokens(map->root());
      settings.names_extra_tokens |= has_extra_tokens(map->root(), {"extra_special_tokens"});
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
