// SPDX-License-Identifier: Apache-2.0
#include "model/families.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "model/family_rows.h"

namespace emberline {
namespace {

const std::vector<Family>& families() {
  static const std::vector<Family> all = [] {
    std::vector<Family> rows = bert_families();
    for (const auto& more : {rotary_families(), decoder_families()}) rows.insert(rows.end(), more.begin(), more.end());
    // What a marker tells apart comes before the row that takes all others of the name.
    std::stable_partition(rows.begin(), rows.end(), [](const Family& family) { return family.marker != nullptr; });
    return rows;
  }();
  return all;
}

bool is_meant(const JsonValue& file, const Family& family) {
  if (family.marker == nullptr) return true;
  const auto value = file.find(family.marker);
  if (!value || family.marker_value == nullptr) return value.has_value();
  return value->is_text() && value->text() == family.marker_value;
}

}  // namespace

NetworkConfig base_network(const char* model_type) {
  return {.model_type = model_type,
          .vocab_size = 30522,
          .hidden_size = 768,
          .num_hidden_layers = 12,
          .num_attention_heads = 12,
          .intermediate_size = 3072,
          .max_position_embeddings = 512,
          .type_vocab_size = 2};
}

void leave_out_biases(NetworkConfig& network) {
  network.query_bias = false;
  network.attention_output_bias = false;
  network.up_bias = false;
  network.down_bias = false;
}

const Family& find_family(const JsonValue& file) {
  std::string known;
  for (const Family& family : families()) {
    if (family.marker == nullptr) known += (known.empty() ? "" : ", ") + family.defaults.model_type;
  }
  const auto value = file.find("model_type");
  check(value.has_value(), Code::kFormat, "{}: key model_type is missing, supported: {}", file.where(), known);
  const std::string name = value->text();
  for (const Family& family : families()) {
    if (family.defaults.model_type == name && is_meant(file, family)) return family;
  }
  fail(Code::kUnsupported, "{}: got \"{}\", supported: {}", value->where(), name, known);
}

std::string families_with_classifiers() {
  std::string known;
  for (const Family& family : families()) {
    if (family.classifier.dense == nullptr) continue;
    if (!known.empty()) known += ", ";
    known += family.defaults.model_type;
  }
  return known;
}

}  // namespace emberline
