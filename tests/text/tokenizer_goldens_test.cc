// SPDX-License-Identifier: Apache-2.0
// The reference's ids for many ways to configure a tokenizer; the README.md in each folder of goldens says how they
// were made.
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

  void write_directory(const Json& base, const Json& files) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    if (!files.contains("tokenizer.json")) write("tokenizer.json", base);
    for (const auto& [name, patch] : files.items()) {
      if (patch.is_null()) continue;
      if (patch.is_string()) {
        write(name, patch.get<std::string>());
      } else if (patch.contains("copy_of")) {
        write(name, read_whole(test_data() / "../sentencepiece" / patch.at("copy_of").get<std::string>()));
      } else {
        write(name, name == "tokenizer.json" ? merged(base, patch) : patch);
      }
    }
  }

  void expect_ids_of_reference(const Json& base, const Json& goldens) {
    const Json& texts = goldens.at("texts");
    for (const auto& [name, golden] : goldens.at("cases").items()) {
      SCOPED_TRACE(name);
      write_directory(base, golden.at("files"));
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
};

TEST_F(Goldens, EveryConfigurationGivesTheIdsOfTheReference) {
  const Json goldens = Json::parse(read_whole(test_data() / "cases.json"));
  ASSERT_GE(goldens.at("cases").size(), 40U);
  expect_ids_of_reference(tiny_tokenizer(), goldens);
}

TEST_F(Goldens, EveryKindOfTokenizerGivesTheIdsOfTheReference) {
  int num_kinds = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test_data() / "../tokenizers")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Json goldens = Json::parse(read_whole(entry.path()));
    expect_ids_of_reference(goldens.at("tokenizer.json"), goldens);
    ++num_kinds;
  }
  EXPECT_GE(num_kinds, 13);
}

TEST_F(Goldens, SentencePieceFilesGiveTheIdsOfTheReference) {
  const Json goldens = Json::parse(read_whole(test_data() / "../sentencepiece/goldens.json"));
  ASSERT_GE(goldens.at("cases").size(), 25U);
  expect_ids_of_reference(Json(), goldens);
}

}  // namespace
}  // namespace emberline
