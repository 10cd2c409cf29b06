// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_json.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/error.h"
#include "text/bert_pre_tokenizer.h"
#include "text/normalizer_sequence.h"

namespace emberline {
namespace {

constexpr int64_t kMaxId = std::numeric_limits<int32_t>::max();

[[noreturn]] void fail_stage(const JsonNode& node, const std::string& type, const char* known) {
  fail(Code::kUnsupported, "{}: unknown stage \"{}\"; known here: {}", node.place(), type, known);
}

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
  if (type == "BertNormalizer") return make_bert_normalizer(read_bert_normalizer(node));
  if (type == "Lowercase") return make_lowercase();
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> parts;
    for (const JsonNode& part : node.at("normalizers").list()) parts.push_back(read_normalizer(part));
    return make_normalizer_sequence(std::move(parts));
  }
  fail_stage(node, type, "BertNormalizer, Lowercase, Sequence, null");
}

std::unique_ptr<PreTokenizer> read_pre_tokenizer(const JsonNode& node) {
  const std::string type = node.at("type").text();
  if (type == "BertPreTokenizer") return make_bert_pre_tokenizer();
  fail_stage(node, type, "BertPreTokenizer, null");
}

void check_ids_differ(const std::vector<std::pair<std::string, int32_t>>& vocab, const std::string& place) {
  std::vector<int32_t> ids;
  ids.reserve(vocab.size());
  for (const auto& [piece, id] : vocab) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  const auto same = std::adjacent_find(ids.begin(), ids.end());
  if (same == ids.end()) return;
  const auto has_id = [&](const auto& entry) { return entry.second == *same; };
  const auto first = std::find_if(vocab.begin(), vocab.end(), has_id);
  const auto second = std::find_if(first + 1, vocab.end(), has_id);
  fail(Code::kFormat, "{}: pieces \"{}\" and \"{}\" share id {}", place, first->first, second->first, *same);
}

WordPieceConfig read_wordpiece(const JsonNode& node) {
  const std::string type = node.text_or("type", node.has("continuing_subword_prefix") ? "WordPiece" : "(none)");
  if (type != "WordPiece") fail_stage(node, type, "WordPiece");
  WordPieceConfig config;
  config.unk_token = node.at("unk_token").text();
  config.continuing_subword_prefix = node.at("continuing_subword_prefix").text();
  config.max_input_chars_per_word = static_cast<size_t>(node.at("max_input_chars_per_word").integer(0, kMaxId));
  const JsonNode vocab = node.at("vocab");
  config.vocab = vocab.ids();
  check(!config.vocab.empty(), Code::kFormat, "{}: has no pieces", vocab.place());
  check_ids_differ(config.vocab, vocab.place());
  return config;
}

// special_tokens of a TemplateProcessing: ids by the name that the template uses.
std::map<std::string, std::vector<int32_t>> read_template_tokens(const JsonNode& node) {
  std::map<std::string, std::vector<int32_t>> tokens;
  for (const std::string& name : node.keys()) {
    for (const JsonNode& id : node.member(name).at("ids").list()) {
      tokens[name].push_back(static_cast<int32_t>(id.integer(0, kMaxId)));
    }
  }
  return tokens;
}

TemplateConfig read_template(const JsonNode& node) {
  const auto tokens = read_template_tokens(node.at("special_tokens"));
  TemplateConfig config;
  bool behind = false;
  for (const JsonNode& piece : node.at("single").list()) {
    const bool is_sequence = piece.has("Sequence");
    const JsonNode part = piece.at(is_sequence ? "Sequence" : "SpecialToken");
    const std::string name = part.at("id").text();
    const auto type = static_cast<int32_t>(part.at("type_id").integer(0, kMaxId));
    if (is_sequence) {
      check(name == "A" && !behind, Code::kUnsupported, "{}: sequence {}, expected A once", part.place(), name);
      config.sequence_type = type;
      behind = true;
      continue;
    }
    const auto found = tokens.find(name);
    check(found != tokens.end(), Code::kFormat, "{}: special token \"{}\" is not among special_tokens", part.place(),
          name);
    SpecialTokens& special = behind ? config.after : config.before;
    special.ids.insert(special.ids.end(), found->second.begin(), found->second.end());
    special.types.resize(special.ids.size(), type);
  }
  check(behind, Code::kUnsupported, "{}: the template has no sequence A", node.at("single").place());
  return config;
}

int32_t read_bert_token(const JsonNode& node) {
  const std::vector<JsonNode> pair = node.list();
  check(pair.size() == 2, Code::kFormat, "{}: got {} elements, expected [token, id]", node.place(), pair.size());
  return static_cast<int32_t>(pair[1].integer(0, kMaxId));
}

TemplateConfig read_post_processor(const JsonNode& node) {
  const std::string type = node.at("type").text();
  if (type == "TemplateProcessing") return read_template(node);
  if (type == "BertProcessing") {
    return {{{read_bert_token(node.at("cls"))}, {0}}, {{read_bert_token(node.at("sep"))}, {0}}, 0};
  }
  fail_stage(node, type, "TemplateProcessing, BertProcessing, null");
}

bool read_truncate_left(const JsonNode& node) {
  const std::string direction = node.text_or("direction", "Right");
  check(direction == "Right" || direction == "Left", Code::kFormat, "{}: got direction \"{}\", expected Left or Right",
        node.place(), direction);
  return direction == "Left";
}

}  // namespace

AddedToken read_added_token(const JsonNode& node, int32_t id) {
  AddedToken token;
  token.content = node.at("content").text();
  token.id = id;
  token.single_word = node.boolean_or("single_word", false);
  token.lstrip = node.boolean_or("lstrip", false);
  token.rstrip = node.boolean_or("rstrip", false);
  token.special = node.boolean_or("special", false);
  token.normalized = node.boolean_or("normalized", !token.special);
  return token;
}

TokenizerFile read_tokenizer_json(std::string_view text, const std::string& name) {
  const JsonFile json = JsonFile::parse(text, name);
  const JsonNode root = json.root();
  const std::string version = root.text_or("version", "1.0");
  check(version == "1.0", Code::kUnsupported, "{}: version \"{}\", expected \"1.0\"", name, version);

  TokenizerFile file;
  file.wordpiece = read_wordpiece(root.at("model"));
  file.pre_tokenizer_type = "null";
  if (root.has("normalizer")) {
    const JsonNode node = root.at("normalizer");
    file.normalizer = read_normalizer(node);
    if (node.at("type").text() == "BertNormalizer") file.bert_normalizer = read_bert_normalizer(node);
  }
  if (root.has("pre_tokenizer")) {
    const JsonNode node = root.at("pre_tokenizer");
    file.pre_tokenizer = read_pre_tokenizer(node);
    file.pre_tokenizer_type = node.at("type").text();
  }
  if (root.has("post_processor")) file.post_processor = read_post_processor(root.at("post_processor"));
  if (root.has("truncation")) file.truncate_left = read_truncate_left(root.at("truncation"));
  if (root.has("added_tokens")) {
    for (const JsonNode& node : root.at("added_tokens").list()) {
      file.added_tokens.push_back(read_added_token(node, static_cast<int32_t>(node.at("id").integer(0, kMaxId))));
    }
  }
  return file;
}

}  // namespace emberline
