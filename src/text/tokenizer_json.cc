// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_json.h"

#include "base/error.h"
#include "text/normalizer_json.h"
#include "text/post_processor_json.h"
#include "text/pre_tokenizer_json.h"
#include "text/precompiled.h"

namespace emberline {
namespace {

std::string charsmap_of(const JsonNode& node) {
  std::vector<JsonNode> parts = {node};
  if (node.at("type").text() == "Sequence") parts = node.at("normalizers").list();
  for (const JsonNode& part : parts) {
    if (part.at("type").text() != "Precompiled") continue;
    const JsonNode charsmap = part.at("precompiled_charsmap");
    return decode_base64(charsmap.text(), charsmap.place());
  }
  return "";
}

void read_normalizer_of(const JsonNode& node, TokenizerFile& file) {
  file.normalizer = read_normalizer(node);
  file.charsmap = charsmap_of(node);
  if (node.at("type").text() == "BertNormalizer") file.bert_normalizer = read_bert_normalizer(node);
}

void read_pre_tokenizer_of(const JsonNode& node, TokenizerFile& file) {
  PreTokenizerStage stage = read_pre_tokenizer(node);
  file.pre_tokenizer = std::move(stage.stage);
  file.pre_tokenizer_type = node.at("type").text();
  if (!stage.byte_level) return;
  auto* bpe = std::get_if<BpeConfig>(&file.model);
  check(bpe != nullptr, Code::kUnsupported, "{}: ByteLevel with a model that is not BPE, expected BPE", node.place());
  bpe->byte_level = true;
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
  file.model = read_token_model(root.at("model"));
  file.pre_tokenizer_type = "null";
  if (root.has("normalizer")) read_normalizer_of(root.at("normalizer"), file);
  if (root.has("pre_tokenizer")) read_pre_tokenizer_of(root.at("pre_tokenizer"), file);
  file.post_processor.pair = PairTemplate();
  if (root.has("post_processor")) file.post_processor = read_post_processor(root.at("post_processor"));
  if (root.has("truncation")) {
    const JsonNode truncation = root.at("truncation");
    file.truncate_left = read_truncate_left(truncation);
    if (truncation.has("max_length")) file.largest_text = truncation.at("max_length").integer(0, kMaxId);
  }
  if (root.has("added_tokens")) {
    for (const JsonNode& node : root.at("added_tokens").list()) {
      file.added_tokens.push_back(read_added_token(node, static_cast<int32_t>(node.at("id").integer(0, kMaxId))));
    }
  }
  return file;
}

}  // namespace emberline
