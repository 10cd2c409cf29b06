// SPDX-License-Identifier: Apache-2.0
// The reference's ids for many ways to configure a tokenizer; tests/data/text/README.md says how they were made.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/text_fixture.h"
#include "text/tokenizer.h"

namespace emberline {
namespace {

class Goldens : public DirectoryTest {
 protected:
  // Members of `patch` take the place of those of `value`, objects member by member; null stays null.
  static Json merged(const Json& value, const Json& patch) {
    if (!value.is_object() || !patch.is_object()) return patch;
    Json result = value;
    for (const auto& [key, member] : patch.items()) result[key] = merged(value.value(key, Json()), member);
    return result;
  }

  void write_directory(const Json& files) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    if (!files.contains("tokenizer.json")) write("tokenizer.json", base_);
    for (const auto& [name, patch] : files.items()) {
      if (patch.is_null()) continue;
      if (patch.is_string()) write(name, patch.get<std::string>());
      if (patch.is_object()) write(name, name == "tokenizer.json" ? merged(base_, patch) : patch);
    }
  }

  const Json base_ = tiny_tokenizer();
  const Json goldens_ = Json::parse(read_whole(test_data() / "cases.json"));
};

TEST_F(Goldens, EveryConfigurationGivesTheIdsOfTheReference) {
  const Json& texts = goldens_.at("texts");
  ASSERT_GE(goldens_.at("cases").size(), 40U);
  for (const auto& [name, golden] : goldens_.at("cases").items()) {
    SCOPED_TRACE(name);
    write_directory(golden.at("files"));
    const Tokenizer tokenizer = Tokenizer::load(directory_, golden.at("lower_case_first"));
    Encoding encoding;
    for (const auto& [max_tokens, rows] : golden.at("rows").items()) {
      ASSERT_EQ(rows.size(), texts.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        tokenizer.encode(texts[i].get<std::string>(), std::stoll(max_tokens), encoding);
        EXPECT_EQ(Json(encoding.ids), rows[i][0]) << "max_tokens " << max_tokens << ": " << texts[i];
        EXPECT_EQ(Json(encoding.truncated), rows[i][1]) << "max_tokens " << max_tokens << ": " << texts[i];
        EXPECT_EQ(encoding.types.size(), encoding.ids.size());
      }
    }
    tokenizer.encode(texts[2].get<std::string>(), 12, encoding);
    EXPECT_EQ(Json(encoding.types), golden.at("types"));
  }
}

}  // namespace
}  // namespace emberline
