// SPDX-License-Identifier: Apache-2.0
#include "model/local_layers.h"

#include <string>

#include "base/error.h"

namespace emberline {
namespace {

using Rule = LocalLayers::Rule;

bool follows(Rule rule, int64_t layer, int64_t n) {
  switch (rule) {
    case Rule::kNone: return false;
    case Rule::kAllButFirstOfN: return layer % n != 0;
    case Rule::kAllButLastOfN: return (layer + 1) % n != 0;
    case Rule::kFromNOn: return layer >= n;
    case Rule::kAll: return true;
  }
  return false;
}

void read_kinds(const JsonValue& types, bool has_window, std::vector<bool>& local) {
  const std::vector<JsonValue> kinds = types.items();
  check(kinds.size() == local.size(), Code::kFormat, "{}: got {} kinds, expected one for each of {} layers",
        types.where(), kinds.size(), local.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    const std::string kind = kinds[i].text();
    if (kind != "full_attention" && kind != "sliding_attention") {
      kinds[i].refuse("\"full_attention\" or \"sliding_attention\"");
    }
    local[i] = kind == "sliding_attention";
    if (local[i] && !has_window) kinds[i].refuse("\"full_attention\": the file names no sliding window");
  }
}

}  // namespace

void read_local_layers(const JsonValue& file, const Family& family, NetworkConfig& network) {
  const LocalLayers& rules = family.local;
  if (rules.rule == Rule::kNone) return;
  int64_t window = rules.window;
  bool has_window = !file.has_null(family.keys.window);
  if (rules.switch_key != nullptr) {
    const auto value = file.find(rules.switch_key);
    has_window = has_window && value && value->boolean();
  }
  if (const auto value = file.find(family.keys.window)) window = value->integer(2, 1 << 24);
  // To one side all of it but the token itself, or half of it to either.
  network.window = network.causal ? window - 1 : window / 2;

  network.local_layers.assign(static_cast<size_t>(network.num_hidden_layers), false);
  const auto types = file.find("layer_types");
  if (types && rules.rule != Rule::kAll) return read_kinds(*types, has_window, network.local_layers);
  int64_t number = rules.number;
  if (const auto value = rules.number_key != nullptr ? file.find(rules.number_key) : std::nullopt) {
    number = value->integer(rules.rule == Rule::kFromNOn ? 0 : 1, 1 << 10);
  }
  for (size_t i = 0; i < network.local_layers.size(); ++i) {
    network.local_layers[i] = has_window && follows(rules.rule, static_cast<int64_t>(i), number);
  }
}

}  // namespace emberline
