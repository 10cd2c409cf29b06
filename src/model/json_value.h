// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading access to a JSON document whose messages say which file, which key and which value is wrong.
//
//   const JsonValue config = JsonValue::read("model/config.json");
//   const int64_t hidden = config.at("hidden_size").integer(1, 65536);
//   // "model/config.json: hidden_size: got \"384\", expected an integer from 1 to 65536"
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emberline {

// A place in a parsed document, which it keeps alive. Immutable. Every failure is Error(kFormat).
class JsonValue {
 public:
  enum class Keys { kLastWins, kUnique };  // what a key that stands twice in an object means

  // `source` is what messages call the document. Refuses what is not JSON, and nesting deeper than 64.
  static JsonValue parse(std::string_view text, const std::string& source, Keys keys = Keys::kLastWins);
  // Throws Error(kIo) too; refuses files above 16 MiB.
  static JsonValue read(const std::filesystem::path& file);

  // A null counts as absent, as it does for the programs that write these files.
  std::optional<JsonValue> find(std::string_view key) const;
  JsonValue at(std::string_view key) const;
  bool has_null(std::string_view key) const;  // the key is there, but null

  bool is_text() const;
  bool is_array() const;
  bool is_object() const;
  bool is_number() const;

  bool boolean() const;
  std::string text() const;
  int64_t integer(int64_t least, int64_t most) const;
  double number() const;
  std::vector<JsonValue> items() const;                            // of an array
  std::vector<std::pair<std::string, JsonValue>> members() const;  // of an object, sorted by key

  const std::string& where() const { return where_; }  // "config.json: hidden_size"
  std::string shown() const;                           // the value as JSON, cut short
  [[noreturn]] void refuse(std::string_view expected) const;

 private:
  struct Document;
  JsonValue(std::shared_ptr<const Document> document, const void* node, std::string where);
  JsonValue child(const void* node, std::string_view key) const;

  std::shared_ptr<const Document> document_;
  const void* node_;
  std::string where_;
};

}  // namespace emberline
