// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading of JSON in which every complaint names the file and the place in it.
//
//   JsonFile file = JsonFile::parse(text, "tokenizer.json");
//   bool lower = file.root().at("normalizer").at("lowercase").boolean();
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emberline {

inline constexpr int64_t kMaxId = std::numeric_limits<int32_t>::max();  // of a token

// A value of a JsonFile, which must outlive it. All reads throw Error(kFormat) where the value is not what was asked
// for.
class JsonNode {
 public:
  const std::string& place() const { return place_; }  // "tokenizer.json: model.vocab"

  bool is_null() const;
  bool is_text() const;
  bool is_boolean() const;
  bool is_object() const;
  bool is_list() const;

  bool has(const char* key) const;        // false for what is not an object, and for a member that is null
  JsonNode at(const char* key) const;     // the member, which must be there
  std::vector<JsonNode> list() const;     // elements in order
  std::vector<std::string> keys() const;  // of an object, sorted
  JsonNode member(const std::string& key) const;

  std::string text() const;
  bool boolean() const;
  double number() const;
  int64_t integer(int64_t lowest, int64_t highest) const;
  // Members of an object whose values are all integers, sorted by name.
  std::vector<std::pair<std::string, int32_t>> ids() const;
  // Elements of a list, each a list of a string and a number.
  std::vector<std::pair<std::string, double>> scores() const;
  // Elements of a list, each a list of two strings, or one string that has a space between the two.
  std::vector<std::pair<std::string, std::string>> pairs() const;

  bool boolean_or(const char* key, bool otherwise) const;  // otherwise: the member is missing or null
  std::string text_or(const char* key, const std::string& otherwise) const;

 private:
  friend class JsonFile;
  JsonNode(const void* value, std::string place) : value_(value), place_(std::move(place)) {}

  const void* value_;
  std::string place_;
};

// Owns a parsed file. Throws Error(kFormat) on text that is not JSON or nests too deeply.
class JsonFile {
 public:
  static JsonFile parse(std::string_view text, const std::string& name);
  ~JsonFile();
  JsonFile(JsonFile&&) noexcept;
  JsonFile& operator=(JsonFile&&) noexcept;

  JsonNode root() const;

 private:
  struct Value;
  JsonFile(std::unique_ptr<Value> value, std::string name);

  std::unique_ptr<Value> value_;
  std::string name_;
};

}  // namespace emberline
