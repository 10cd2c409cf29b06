// SPDX-License-Identifier: Apache-2.0
#include "model/json_value.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/mapped_file.h"

namespace emberline {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr size_t kMaxFileBytes = size_t{16} << 20;
constexpr size_t kShownBytes = 80;

const Json& node_of(const void* node) {
  return *static_cast<const Json*>(node);
}

// Watches the parser: a document may be nested to exhaust memory, and JSON leaves the meaning of a repeated key open.
class Watch {
 public:
  Watch(const std::string& source, JsonValue::Keys keys) : source_(source), keys_(keys) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    check(depth < kMaxDepth, Code::kFormat, "{}: nested deeper than {} levels", source_, kMaxDepth);
    if (keys_ == JsonValue::Keys::kLastWins) return true;
    if (event == Event::object_start) seen_.emplace_back();
    if (event == Event::object_end && !seen_.empty()) seen_.pop_back();
    if (event == Event::key && !seen_.empty()) {
      const auto& key = value.get_ref<const std::string&>();
      check(seen_.back().insert(key).second, Code::kFormat, "{}: key {} stands twice", source_, key);
    }
    return true;
  }

 private:
  const std::string& source_;
  JsonValue::Keys keys_;
  std::vector<std::set<std::string>> seen_;  // one set for each open object
};

}  // namespace

struct JsonValue::Document {
  Json root;
};

JsonValue::JsonValue(std::shared_ptr<const Document> document, const void* node, std::string where)
    : document_(std::move(document)), node_(node), where_(std::move(where)) {}

JsonValue JsonValue::parse(std::string_view text, const std::string& source, Keys keys) {
  auto document = std::make_shared<Document>();
  Watch watch(source, keys);
  try {
    document->root = Json::parse(text.begin(), text.end(), std::ref(watch));
  } catch (const Json::exception& error) {
    fail(Code::kFormat, "{}: not valid JSON: {}", source, error.what());
  }
  const void* root = &document->root;
  return {std::move(document), root, source};
}

JsonValue JsonValue::read(const std::filesystem::path& file) {
  return parse(read_text_file(file, kMaxFileBytes), file.string());
}

JsonValue JsonValue::child(const void* node, std::string_view key) const {
  return {document_, node, where_ + ": " + std::string(key)};
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  if (!is_object()) refuse("an object");
  const Json& object = node_of(node_);
  const auto found = object.find(std::string(key));
  if (found == object.end() || found->is_null()) return std::nullopt;
  return child(&*found, key);
}

JsonValue JsonValue::at(std::string_view key) const {
  auto found = find(key);
  check(found.has_value(), Code::kFormat, "{}: key {} is missing", where_, key);
  return *found;
}

bool JsonValue::has_null(std::string_view key) const {
  if (!is_object()) refuse("an object");
  const Json& object = node_of(node_);
  const auto found = object.find(std::string(key));
  return found != object.end() && found->is_null();
}

bool JsonValue::is_text() const {
  return node_of(node_).is_string();
}
bool JsonValue::is_array() const {
  return node_of(node_).is_array();
}
bool JsonValue::is_object() const {
  return node_of(node_).is_object();
}
bool JsonValue::is_number() const {
  return node_of(node_).is_number();
}

bool JsonValue::boolean() const {
  if (!node_of(node_).is_boolean()) refuse("true or false");
  return node_of(node_).get<bool>();
}

std::string JsonValue::text() const {
  if (!is_text()) refuse("a text");
  return node_of(node_).get<std::string>();
}

int64_t JsonValue::integer(int64_t least, int64_t most) const {
  const Json& node = node_of(node_);
  const bool fits = node.is_number_unsigned()
                        ? node.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                        : node.is_number_integer();
  if (!fits || node.get<int64_t>() < least || node.get<int64_t>() > most) {
    refuse(message("an integer from {} to {}", least, most));
  }
  return node.get<int64_t>();
}

double JsonValue::number() const {
  if (!is_number()) refuse("a number");
  return node_of(node_).get<double>();
}

std::vector<JsonValue> JsonValue::items() const {
  if (!is_array()) refuse("an array");
  std::vector<JsonValue> found;
  for (const Json& item : node_of(node_)) found.push_back(child(&item, std::to_string(found.size())));
  return found;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  if (!is_object()) refuse("an object");
  std::vector<std::pair<std::string, JsonValue>> found;
  for (const auto& [key, value] : node_of(node_).items()) found.emplace_back(key, child(&value, key));
  return found;
}

std::string JsonValue::shown() const {
  std::string text = node_of(node_).dump(-1, ' ', true);  // escaped to ASCII, so that a cut leaves valid UTF-8
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

void JsonValue::refuse(std::string_view expected) const {
  fail(Code::kFormat, "{}: got {}, expected {}", where_, shown(), expected);
}

}  // namespace emberline
