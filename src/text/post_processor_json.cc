// SPDX-License-Identifier: Apache-2.0
#include "text/post_processor_json.h"

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/stage_names.h"

namespace emberline {
namespace {

constexpr int64_t kMaxId = std::numeric_limits<int32_t>::max();

using Reader = TemplateConfig (*)(const JsonNode& node);

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

int32_t read_special_id(const JsonNode& node) {
  const std::vector<JsonNode> pair = node.list();
  check(pair.size() == 2, Code::kFormat, "{}: got {} elements, expected [token, id]", node.place(), pair.size());
  return static_cast<int32_t>(pair[1].integer(0, kMaxId));
}

// BERT and RoBERTa differ in what pairs become, and in offsets.
TemplateConfig read_pair_of_tokens(const JsonNode& node) {
  return {{{read_special_id(node.at("cls"))}, {0}}, {{read_special_id(node.at("sep"))}, {0}}, 0};
}

// `inner` ran first: `outer` takes all of its result for the sequence.
TemplateConfig wrap(const TemplateConfig& inner, TemplateConfig outer) {
  outer.before.ids.insert(outer.before.ids.end(), inner.before.ids.begin(), inner.before.ids.end());
  outer.before.types.resize(outer.before.ids.size(), outer.sequence_type);
  outer.after.ids.insert(outer.after.ids.begin(), inner.after.ids.begin(), inner.after.ids.end());
  outer.after.types.insert(outer.after.types.begin(), inner.after.ids.size(), outer.sequence_type);
  return outer;
}

TemplateConfig read_sequence(const JsonNode& node) {
  TemplateConfig config;
  for (const JsonNode& part : node.at("processors").list()) {
    if (part.at("type").text() == "ByteLevel") continue;
    config = wrap(config, read_post_processor(part));
  }
  return config;
}

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> kReaders = {
      {"BertProcessing", read_pair_of_tokens},
      {"ByteLevel", [](const JsonNode&) { return TemplateConfig(); }},  // moves offsets alone
      {"RobertaProcessing", read_pair_of_tokens},
      {"Sequence", read_sequence},
      {"TemplateProcessing", read_template}};
  return kReaders;
}

}  // namespace

TemplateConfig read_post_processor(const JsonNode& node) {
  const std::string type = node.at("type").text();
  const auto reader = readers().find(type);
  if (reader == readers().end()) fail_stage(node, type, names_of(readers()) + ", null");
  return reader->second(node);
}

}  // namespace emberline
