// SPDX-License-Identifier: Apache-2.0
#include "model/relative_positions.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"

namespace emberline {
namespace {

constexpr int64_t kMostPositions = 1 << 20;

// "p2c|c2p" as its parts, in small letters.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '|') {
      parts.emplace_back();
    } else if (c != ' ') {
      parts.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return parts;
}

// A text with bars, or a list.
std::vector<std::string> names_of(const JsonValue& value) {
  if (!value.is_array()) return parts_of(value.text());
  std::vector<std::string> names;
  for (const JsonValue& item : value.items()) names.push_back(item.text());
  return names;
}

void read_terms(const JsonValue& file, RelativePositions& relative) {
  const auto value = file.find("pos_att_type");
  check(value.has_value(), Code::kUnsupported, "{}: pos_att_type is missing, supported: \"c2p\", \"p2c\" or both",
        file.where());
  for (const std::string& name : names_of(*value)) {
    check(name == "c2p" || name == "p2c", Code::kUnsupported, "{}: got {}, supported: \"c2p\", \"p2c\" or both",
          value->where(), value->shown());
    (name == "c2p" ? relative.by_query : relative.by_key) = true;
  }
}

void read_norm(const JsonValue& file, RelativePositions& relative) {
  const auto value = file.find("norm_rel_ebd");
  if (!value) return;
  for (const std::string& name : parts_of(value->text())) {
    check(name == "layer_norm" || name == "none", Code::kUnsupported, "{}: got {}, supported: \"layer_norm\", \"none\"",
          value->where(), value->shown());
    if (name == "layer_norm") relative.is_normed = true;
  }
}

// Keys whose other values stand for mechanics that are not there.
void refuse_other_mechanics(const JsonValue& file, const NetworkConfig& network) {
  const auto relative = file.find("relative_attention");
  check(relative && relative->boolean(), Code::kUnsupported, "{}: relative_attention: got {}, supported: true",
        file.where(), relative ? relative->shown() : "no such key");
  const auto only = [&](const char* key, int64_t expected) {
    const auto value = file.find(key);
    check(!value || value->integer(0, kMostPositions) == expected, Code::kUnsupported, "{}: {}: got {}, supported: {}",
          file.where(), key, value ? value->shown() : "", expected);
  };
  only("conv_kernel_size", 0);
  only("embedding_size", network.hidden_size);
  only("attention_head_size", network.head_dim());
}

// Steps up to half the buckets have rows of their own; farther ones share them by their logarithm. In f32, as the
// reference takes it: where a bucket begins the last bit decides.
int64_t bucket_of(int64_t steps, const RelativePositions& relative) {
  const int64_t exact = relative.num_buckets / 2;
  if (steps <= exact) return steps;
  const float share =
      std::log(static_cast<float>(steps) / static_cast<float>(exact)) /
      std::log(static_cast<float>(static_cast<double>(relative.farthest - 1) / static_cast<double>(exact)));
  return exact + static_cast<int64_t>(std::ceil(share * static_cast<float>(exact - 1)));
}

}  // namespace

void read_relative_positions(const JsonValue& file, NetworkConfig& network) {
  refuse_other_mechanics(file, network);
  RelativePositions& relative = network.relative;
  read_terms(file, relative);
  read_norm(file, relative);
  relative.farthest = network.max_position_embeddings;
  if (const auto value = file.find("max_relative_positions")) {
    const int64_t positions = value->integer(-1, kMostPositions);
    if (positions > 0) relative.farthest = positions;
  }
  if (const auto value = file.find("position_buckets")) {
    relative.num_buckets = std::max<int64_t>(0, value->integer(-1, kMostPositions));
  }
  relative.span = relative.num_buckets > 0 ? relative.num_buckets : relative.farthest;
  const int64_t exact = relative.num_buckets / 2;
  check(
      relative.num_buckets == 0 || network.max_positions() <= exact + 1 || (exact > 0 && relative.farthest - 1 > exact),
      Code::kFormat, "{}: position_buckets: got {}, expected 0 or 2 to {}, as distances up to {} share them",
      file.where(), relative.num_buckets, 2 * (relative.farthest - 2), relative.farthest);
  if (const auto value = file.find("share_att_key")) relative.shares_products = value->boolean();
  if (const auto value = file.find("position_biased_input"); value && !value->boolean()) {
    network.tensors.positions = nullptr;  // files may hold the table that nothing reads
  }
}

std::vector<int32_t> relative_rows(const RelativePositions& relative, int64_t reach) {
  std::vector<int32_t> rows;
  rows.reserve(static_cast<size_t>(2 * reach + 1));
  for (int64_t distance = -reach; distance <= reach; ++distance) {
    const int64_t steps = std::abs(distance);
    const int64_t shared = relative.num_buckets > 0 ? bucket_of(steps, relative) : steps;
    // The reference counts from the key to the query.
    const int64_t row = relative.span + (distance > 0 ? -shared : shared);
    rows.push_back(static_cast<int32_t>(std::clamp<int64_t>(row, 0, 2 * relative.span - 1)));
  }
  return rows;
}

}  // namespace emberline
