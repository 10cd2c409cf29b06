// SPDX-License-Identifier: Apache-2.0
#include "text/json_node.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace emberline {
namespace {

// An object's members in the order of the file: a vocabulary has tens of thousands, which nobody looks up one by one.
// Where a name comes twice the last member counts, as in most readers of JSON.
template <typename Key, typename Value, typename Less, typename Allocator>
struct Members : nlohmann::ordered_map<Key, Value, Less, Allocator> {
  using Base = nlohmann::ordered_map<Key, Value, Less, Allocator>;
  using Base::Base;

  Value& operator[](const Key& key) {
    this->emplace_back(key, Value());
    return this->back().second;
  }
  Value& operator[](Key&& key) {
    this->emplace_back(std::move(key), Value());
    return this->back().second;
  }
  template <typename Name>
  typename Base::iterator find(const Name& name) {
    for (auto member = this->end(); member != this->begin();) {
      if ((--member)->first == name) return member;
    }
    return this->end();
  }
};

using Json = nlohmann::basic_json<Members>;

constexpr int kMaxDepth = 128;  // as serde_json

const Json& json(const void* value) {
  return *static_cast<const Json*>(value);
}

[[noreturn]] void fail_type(const JsonNode& node, const void* value, const char* expected) {
  fail(Code::kFormat, "{}: got {}, expected {}", node.place(), json(value).type_name(), expected);
}

// Deep nesting is refused before parsing, which would keep the whole of it in memory.
void check_depth(std::string_view text, const std::string& name) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      check(++depth <= kMaxDepth, Code::kFormat, "{}: nests deeper than {} levels at byte {}", name, kMaxDepth, i);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

}  // namespace

struct JsonFile::Value {
  Json json;
};

JsonFile JsonFile::parse(std::string_view text, const std::string& name) {
  check_depth(text, name);
  try {
    return JsonFile(std::make_unique<Value>(Value{Json::parse(text.begin(), text.end())}), name);
  } catch (const Json::exception& error) {
    fail(Code::kFormat, "{}: not JSON: {}", name, error.what());
  }
}

JsonFile::JsonFile(std::unique_ptr<Value> value, std::string name) : value_(std::move(value)), name_(std::move(name)) {}
JsonFile::~JsonFile() = default;
JsonFile::JsonFile(JsonFile&&) noexcept = default;
JsonFile& JsonFile::operator=(JsonFile&&) noexcept = default;

JsonNode JsonFile::root() const {
  return JsonNode(&value_->json, name_);
}

bool JsonNode::is_null() const {
  return json(value_).is_null();
}
bool JsonNode::is_text() const {
  return json(value_).is_string();
}
bool JsonNode::is_boolean() const {
  return json(value_).is_boolean();
}
bool JsonNode::is_object() const {
  return json(value_).is_object();
}
bool JsonNode::is_list() const {
  return json(value_).is_array();
}

bool JsonNode::has(const char* key) const {
  if (!is_object()) return false;
  const auto found = json(value_).find(key);
  return found != json(value_).end() && !found->is_null();
}

JsonNode JsonNode::at(const char* key) const {
  return member(key);
}

JsonNode JsonNode::member(const std::string& key) const {
  if (!is_object()) fail_type(*this, value_, "an object");
  const auto found = json(value_).find(key);
  check(found != json(value_).end(), Code::kFormat, "{}: \"{}\" is missing", place_, key);
  return JsonNode(&*found, place_ + (place_.find(": ") == std::string::npos ? ": " : ".") + key);
}

std::vector<JsonNode> JsonNode::list() const {
  if (!is_list()) fail_type(*this, value_, "a list");
  std::vector<JsonNode> nodes;
  for (const Json& element : json(value_)) {
    nodes.push_back(JsonNode(&element, place_ + "[" + std::to_string(nodes.size()) + "]"));
  }
  return nodes;
}

std::vector<std::string> JsonNode::keys() const {
  if (!is_object()) fail_type(*this, value_, "an object");
  std::vector<std::string> names;
  for (const auto& item : json(value_).items()) names.push_back(item.key());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string JsonNode::text() const {
  if (!is_text()) fail_type(*this, value_, "a string");
  return json(value_).get<std::string>();
}

bool JsonNode::boolean() const {
  if (!is_boolean()) fail_type(*this, value_, "true or false");
  return json(value_).get<bool>();
}

double JsonNode::number() const {
  if (!json(value_).is_number()) fail_type(*this, value_, "a number");
  return json(value_).get<double>();
}

int64_t JsonNode::integer(int64_t lowest, int64_t highest) const {
  if (!json(value_).is_number_integer()) fail_type(*this, value_, "an integer");
  const bool huge = json(value_).is_number_unsigned() &&
                    json(value_).get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const int64_t number = huge ? std::numeric_limits<int64_t>::max() : json(value_).get<int64_t>();
  check(number >= lowest && number <= highest, Code::kFormat, "{}: got {}, expected {} to {}", place_,
        json(value_).dump(), lowest, highest);
  return number;
}

std::vector<std::pair<std::string, int32_t>> JsonNode::ids() const {
  if (!is_object()) fail_type(*this, value_, "an object of ids by piece");
  std::vector<std::pair<std::string, int32_t>> found;
  found.reserve(json(value_).size());
  for (const auto& item : json(value_).items()) {
    const Json& id = item.value();
    const bool fits =
        id.is_number_unsigned() && id.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max());
    check(fits, Code::kFormat, "{}: piece \"{}\" has id {}, expected an integer from 0 to {}", place_, item.key(),
          id.dump(), std::numeric_limits<int32_t>::max());
    found.emplace_back(item.key(), id.get<int32_t>());
  }
  const auto is_before = [](const auto& a, const auto& b) { return a.first < b.first; };
  const auto is_same = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::stable_sort(found.begin(), found.end(), is_before);
  // The last of the same name stays.
  found.erase(found.begin(), std::unique(found.rbegin(), found.rend(), is_same).base());
  return found;
}

std::vector<std::pair<std::string, double>> JsonNode::scores() const {
  if (!is_list()) fail_type(*this, value_, "a list of pieces with their scores");
  std::vector<std::pair<std::string, double>> found;
  found.reserve(json(value_).size());
  for (const Json& entry : json(value_)) {
    const bool fits = entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number();
    check(fits, Code::kFormat, "{}[{}]: expected [piece, score]", place_, found.size());
    found.emplace_back(entry[0].get<std::string>(), entry[1].get<double>());
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> JsonNode::pairs() const {
  if (!is_list()) fail_type(*this, value_, "a list of pairs");
  std::vector<std::pair<std::string, std::string>> found;
  found.reserve(json(value_).size());
  for (const Json& entry : json(value_)) {
    if (entry.is_string()) {
      const std::string text = entry.get<std::string>();
      const size_t space = text.find(' ');
      check(space != std::string::npos && text.find(' ', space + 1) == std::string::npos, Code::kFormat,
            "{}[{}]: got \"{}\", expected two pieces with a space between them", place_, found.size(), text);
      found.emplace_back(text.substr(0, space), text.substr(space + 1));
      continue;
    }
    const bool fits = entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string();
    check(fits, Code::kFormat, "{}[{}]: expected two pieces", place_, found.size());
    found.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
  }
  return found;
}

bool JsonNode::boolean_or(const char* key, bool otherwise) const {
  return has(key) ? at(key).boolean() : otherwise;
}

std::string JsonNode::text_or(const char* key, const std::string& otherwise) const {
  return has(key) ? at(key).text() : otherwise;
}

}  // namespace emberline
