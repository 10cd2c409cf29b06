// SPDX-License-Identifier: Apache-2.0
#include "text/post_processor_json.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/stage_names.h"

namespace emberline {
namespace {

using PostProcessorReader = TemplateConfig (*)(const JsonNode& node);

// special_tokens of a TemplateProcessing: ids by the name that the template uses.
using TemplateTokens = std::map<std::string, std::vector<int32_t>>;

TemplateTokens read_template_tokens(const JsonNode& node) {
  TemplateTokens tokens;
  for (const std::string& name : node.keys()) {
    for (const JsonNode& id : node.member(name).at("ids").list()) {
      tokens[name].push_back(static_cast<int32_t>(id.integer(0, kMaxId)));
    }
  }
  return tokens;
}

// A piece of a template: a sequence, or special tokens.
struct Piece {
  std::string sequence;  // "A" or "B"; empty for special tokens
  std::vector<int32_t> ids;
  int32_t type = 0;
};

Piece read_piece(const JsonNode& node, const TemplateTokens& tokens) {
  const bool is_sequence = node.has("Sequence");
  const JsonNode part = node.at(is_sequence ? "Sequence" : "SpecialToken");
  const std::string name = part.at("id").text();
  Piece piece;
  piece.type = static_cast<int32_t>(part.at("type_id").integer(0, kMaxId));
  if (is_sequence) {
    check(name == "A" || name == "B", Code::kFormat, "{}: sequence {}, expected A or B", part.place(), name);
    piece.sequence = name;
    return piece;
  }
  const auto found = tokens.find(name);
  check(found != tokens.end(), Code::kFormat, "{}: special token \"{}\" is not among special_tokens", part.place(),
        name);
  piece.ids = found->second;
  return piece;
}

void append(const Piece& piece, SpecialTokens& special) {
  special.ids.insert(special.ids.end(), piece.ids.begin(), piece.ids.end());
  special.types.resize(special.ids.size(), piece.type);
}

// None where the template does not have each sequence once, A first.
std::optional<PairTemplate> read_pair(const JsonNode& node, const TemplateTokens& tokens) {
  PairTemplate pair;
  std::string seen;
  for (const JsonNode& part : node.list()) {
    const Piece piece = read_piece(part, tokens);
    if (piece.sequence.empty()) {
      append(piece, seen.empty() ? pair.before : seen.size() == 1 ? pair.between : pair.after);
    } else {
      (seen.empty() ? pair.first_type : pair.second_type) = piece.type;
      seen += piece.sequence;
    }
  }
  if (seen != "AB") return std::nullopt;
  return pair;
}

TemplateConfig read_template(const JsonNode& node) {
  const TemplateTokens tokens = read_template_tokens(node.at("special_tokens"));
  TemplateConfig config;
  bool behind = false;
  for (const JsonNode& part : node.at("single").list()) {
    const Piece piece = read_piece(part, tokens);
    if (piece.sequence.empty()) {
      append(piece, behind ? config.after : config.before);
      continue;
    }
    check(piece.sequence == "A" && !behind, Code::kUnsupported, "{}: sequence {}, expected A once",
          part.at("Sequence").place(), piece.sequence);
    config.sequence_type = piece.type;
    behind = true;
  }
  check(behind, Code::kUnsupported, "{}: the template has no sequence A", node.at("single").place());
  if (node.has("pair")) config.pair = read_pair(node.at("pair"), tokens);
  return config;
}

int32_t read_special_id(const JsonNode& node) {
  const std::vector<JsonNode> pair = node.list();
  check(pair.size() == 2, Code::kFormat, "{}: got {} elements, expected [token, id]", node.place(), pair.size());
  return static_cast<int32_t>(pair[1].integer(0, kMaxId));
}

TemplateConfig read_bert(const JsonNode& node) {
  return bert_template(read_special_id(node.at("cls")), read_special_id(node.at("sep")));
}

TemplateConfig read_roberta(const JsonNode& node) {
  return roberta_template(read_special_id(node.at("cls")), read_special_id(node.at("sep")));
}

// Moves offsets alone.
TemplateConfig read_byte_level_post_processor(const JsonNode&) {
  return {.before = {}, .after = {}, .pair = PairTemplate()};
}

// `inner` ran first: `outer` takes all of its result for the sequence.
TemplateConfig wrap(const TemplateConfig& inner, TemplateConfig outer) {
  outer.before.ids.insert(outer.before.ids.end(), inner.before.ids.begin(), inner.before.ids.end());
  outer.before.types.resize(outer.before.ids.size(), outer.sequence_type);
  outer.after.ids.insert(outer.after.ids.begin(), inner.after.ids.begin(), inner.after.ids.end());
  outer.after.types.insert(outer.after.types.begin(), inner.after.ids.size(), outer.sequence_type);
  return outer;
}

TemplateConfig read_post_processor_sequence(const JsonNode& node) {
  TemplateConfig config = read_byte_level_post_processor(node);
  bool is_first = true;
  for (const JsonNode& part : node.at("processors").list()) {
    if (part.at("type").text() == "ByteLevel") continue;
    TemplateConfig outer = read_post_processor(part);
    if (is_first) {
      config = std::move(outer);
    } else {
      config = wrap(config, std::move(outer));
      config.pair.reset();  // what the first makes of two sequences, the second takes for more than two
    }
    is_first = false;
  }
  return config;
}

const std::map<std::string, PostProcessorReader>& post_processor_readers() {
  static const std::map<std::string, PostProcessorReader> kReaders = {{"BertProcessing", read_bert},
                                                                      {"ByteLevel", read_byte_level_post_processor},
                                                                      {"RobertaProcessing", read_roberta},
                                                                      {"Sequence", read_post_processor_sequence},
                                                                      {"TemplateProcessing", read_template}};
  return kReaders;
}

}  // namespace

TemplateConfig read_post_processor(const JsonNode& node) {
  const std::string type = node.at("type").text();
  const auto reader = post_processor_readers().find(type);
  if (reader == post_processor_readers().end()) fail_stage(node, type, names_of(post_processor_readers()) + ", null");
  return reader->second(node);
}

}  // namespace emberline
