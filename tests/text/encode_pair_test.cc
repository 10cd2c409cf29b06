// SPDX-License-Identifier: Apache-2.0
// Two texts as one sequence; tests/data/pairs.json has what the reference makes of them (tools/make_pair_goldens.py).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/text_fixture.h"
#include "text/tokenizer.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

class EncodePair : public DirectoryTest {
 protected:
  // Members of `patch` take the place of those of `value`, objects member by member; null stays null.
  static Json merged(const Json& value, const Json& patch) {
    if (!value.is_object() || !patch.is_object()) return patch;
    Json result = value;
    for (const auto& [key, member] : patch.items()) result[key] = merged(value.value(key, Json()), member);
    return result;
  }

  Tokenizer load(const Json& base, const Json& files) const {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    write("tokenizer.json", base);
    for (const auto& [name, patch] : files.items()) write(name, name == "tokenizer.json" ? merged(base, patch) : patch);
    return Tokenizer::load(directory_);
  }

  Tokenizer bert() const { return load(tiny_tokenizer(), {{"config.json", {{"model_type", "bert"}}}}); }
};

TEST_F(EncodePair, EveryConfigurationGivesTheIdsAndTypesOfTheReference) {
  const Json goldens = Json::parse(read_whole(test_data() / "../pairs.json"));
  const Json& pairs = goldens.at("pairs");
  ASSERT_GE(goldens.at("cases").size(), 20U);
  for (const auto& [name, golden] : goldens.at("cases").items()) {
    SCOPED_TRACE(name);
    const Json file = Json::parse(read_whole(test_data() / ".." / golden.at("base").get<std::string>()));
    const Tokenizer tokenizer = load(file.value("tokenizer.json", file), golden.at("files"));
    ASSERT_TRUE(tokenizer.encodes_pairs());
    PairScratch scratch;
    Encoding encoding;
    for (const auto& [max_tokens, rows] : golden.at("rows").items()) {
      if (std::stoll(max_tokens) < tokenizer.num_pair_special_tokens()) continue;
      ASSERT_EQ(rows.size(), pairs.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        SCOPED_TRACE(max_tokens + ": " + pairs[i].dump());
        tokenizer.encode_pair(pairs[i][0].get<std::string>(), pairs[i][1].get<std::string>(), std::stoll(max_tokens),
                              scratch, encoding);
        EXPECT_EQ(Json(encoding.ids), rows[i][0]);
        EXPECT_EQ(Json(encoding.types), rows[i][1]);
        EXPECT_EQ(Json(encoding.truncated), rows[i][2]);
      }
    }
  }
}

TEST_F(EncodePair, TextThatIsMuchLongerThanThereIsRoomForHasTheOddToken) {
  const Tokenizer tokenizer = bert();
  std::string longer;
  for (int i = 0; i < 400; ++i) longer += "one ";
  std::string shorter = longer.substr(0, longer.size() / 2);
  PairScratch scratch;
  Encoding encoding;
  const auto types_of_second = [&](const std::string& first, const std::string& second) {
    tokenizer.encode_pair(first, second, 3 + 7, scratch, encoding);
    EXPECT_EQ(encoding.ids.size(), 10U);
    EXPECT_TRUE(encoding.truncated);
    return std::count(encoding.types.begin(), encoding.types.end(), 1) - 1;
  };
  EXPECT_EQ(types_of_second(longer, shorter), 3);
  EXPECT_EQ(types_of_second(shorter, longer), 4);
  EXPECT_EQ(types_of_second(longer, longer), 4);
}

TEST_F(EncodePair, QueryThatComesAgainIsTakenFromTheLastPair) {
  const Tokenizer tokenizer = bert();
  const std::vector<std::string> texts = {"one two", "", std::string(3000, 'x') + " two", "three"};
  PairScratch kept;
  Encoding with;
  Encoding without;
  for (const int64_t max_tokens : {512, 7, 100, 8}) {
    for (const std::string query : {"one", "one", "one two three four five six seven", "one"}) {
      for (const std::string& text : texts) {
        PairScratch fresh;
        tokenizer.encode_pair(query, text, max_tokens, kept, with);
        tokenizer.encode_pair(query, text, max_tokens, fresh, without);
        EXPECT_EQ(with.ids, without.ids);
        EXPECT_EQ(with.types, without.types);
        EXPECT_EQ(with.truncated, without.truncated);
      }
    }
  }
}

TEST_F(EncodePair, LessRoomThanTheSpecialTokensTakeIsRefused) {
  const Tokenizer tokenizer = bert();
  PairScratch scratch;
  Encoding encoding;
  EXPECT_EQ(tokenizer.num_pair_special_tokens(), 3);
  const std::string message =
      refusal(Code::kInvalidArgument, [&] { tokenizer.encode_pair("one", "two", 2, scratch, encoding); });
  EXPECT_NE(message.find("max_tokens=2, expected at least 3"), std::string::npos) << message;
  tokenizer.encode_pair("one", "two", 3, scratch, encoding);
  EXPECT_EQ(encoding.ids.size(), 3U);
}

TEST_F(EncodePair, TokenizerThatDoesNotSayHowTwoTextsJoinIsRefused) {
  const Json alone = {{"type", "TemplateProcessing"},
                      {"single", {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
                      {"pair", {{{"Sequence", {{"id", "B"}, {"type_id", 0}}}}}},
                      {"special_tokens", Json::object()}};
  const Tokenizer tokenizer = load(tiny_tokenizer(), {{"tokenizer.json", {{"post_processor", alone}}}});
  EXPECT_FALSE(tokenizer.encodes_pairs());
  PairScratch scratch;
  Encoding encoding;
  const std::string message =
      refusal(Code::kUnsupported, [&] { tokenizer.encode_pair("one", "two", 9, scratch, encoding); });
  EXPECT_NE(message.find("expected a template for pairs"), std::string::npos) << message;
  tokenizer.encode("one", 9, encoding);  // one text alone goes on as before
}

}  // namespace
}  // namespace emberline
