// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <random>
#include <thread>

#include "text/text_fixture.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;
using Strings = std::vector<std::string>;

class TokenizerTest : public DirectoryTest {
 protected:
  Tokenizer tiny(const Json& patch = Json::object()) const {
    Json json = tiny_tokenizer();
    json.update(patch);
    write("tokenizer.json", json);
    return Tokenizer::load(directory_);
  }
  static Ids ids_of(const Tokenizer& tokenizer, std::string_view text, int64_t max_tokens = 1 << 20) {
    Encoding encoding;
    tokenizer.encode(text, max_tokens, encoding);
    return encoding.ids;
  }
};

TEST_F(TokenizerTest, MissingFilesAreNamed) {
  EXPECT_NE(refusal(Code::kIo, [&] { Tokenizer::load(directory_ / "none"); }).find("none: not a directory"),
            std::string::npos);
  EXPECT_NE(refusal(Code::kIo, [&] { Tokenizer::load(directory_); }).find("has neither tokenizer.json nor vocab.txt"),
            std::string::npos);
}

TEST_F(TokenizerTest, SizesAreTold) {
  const Tokenizer tokenizer = tiny();
  EXPECT_EQ(tokenizer.num_special_tokens(), 2);
  EXPECT_EQ(tokenizer.vocab_size(), static_cast<int64_t>(tiny_tokenizer()["model"]["vocab"].size()));
  EXPECT_EQ(tokenizer.warnings(), Strings());
}

TEST_F(TokenizerTest, BareTokenizerAddsSpecialTokensOrHeedsOtherFiles) {
  Json json = tiny_tokenizer();
  json["truncation"] = Json::parse(R"({"direction":"Right","max_length":7,"strategy":"LongestFirst","stride":0})");
  write("tokenizer.json", json);
  write("tokenizer_config.json", std::string(R"({"tokenizer_class":"T5Tokenizer"})"));
  const Tokenizer bare = Tokenizer::load_bare(directory_, false);
  EXPECT_EQ(bare.num_special_tokens(), 0);
  EXPECT_EQ(bare.largest_text(), 7);
  std::filesystem::remove(directory_ / "tokenizer_config.json");
  const Tokenizer whole = Tokenizer::load(directory_);
  Ids expected = ids_of(whole, "a\U0001F9FF b");
  expected = {expected.begin() + 1, expected.end() - 1};
  EXPECT_EQ(ids_of(bare, "a\U0001F9FF b"), expected);
  EXPECT_TRUE(ids_of(bare, "").empty());
}

TEST_F(TokenizerTest, UnknownTokenIsKeptOrNotCounted) {
  write("tokenizer.json", tiny_tokenizer());
  const Tokenizer kept = Tokenizer::load_bare(directory_, false);
  const Tokenizer dropped = Tokenizer::load_bare(directory_, true);
  const std::string text = "\U0001F9FF a \U0001F9FF \U0001F9FF a";
  ASSERT_EQ(ids_of(kept, text).size(), 5U);
  const Ids known = {ids_of(kept, text)[1], ids_of(kept, text)[4]};
  EXPECT_EQ(ids_of(dropped, text), known);
  EXPECT_EQ(ids_of(dropped, text, 4), (Ids{known[0]}));
  Encoding encoding;
  dropped.encode(text, 5, encoding);
  EXPECT_FALSE(encoding.truncated);
  dropped.encode(text, 4, encoding);
  EXPECT_TRUE(encoding.truncated);
  EXPECT_EQ(encoding.types.size(), encoding.ids.size());
}

TEST_F(TokenizerTest, MaxTokensBelowTheSpecialTokensIsRefused) {
  const Tokenizer tokenizer = tiny();
  Encoding encoding;
  EXPECT_EQ(refusal(Code::kInvalidArgument, [&] { tokenizer.encode("a", 1, encoding); }),
            "encode: got max_tokens=1, expected at least 2 (the special tokens)");
  tokenizer.encode("a", 2, encoding);
  EXPECT_EQ(encoding.ids, (Ids{2, 3}));
  EXPECT_TRUE(encoding.truncated);
  tokenizer.encode("", 2, encoding);
  EXPECT_FALSE(encoding.truncated);
}

TEST_F(TokenizerTest, TextIsTruncatedExactlyWhereItNoLongerFits) {
  const Tokenizer tokenizer = tiny();
  const std::string text = "one two, three [SEP] four fifty-five!";
  const Ids whole = ids_of(tokenizer, text);
  Encoding encoding;
  for (size_t most = 2; most < whole.size() + 3; ++most) {
    tokenizer.encode(text, static_cast<int64_t>(most), encoding);
    EXPECT_EQ(encoding.truncated, most < whole.size()) << most;
    Ids expected(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(std::min(most, whole.size())));
    expected.back() = 3;
    EXPECT_EQ(encoding.ids, expected) << most;
  }
  tokenizer.encode("one   \n\t ", 3, encoding);  // what follows the last token is no token
  EXPECT_EQ(encoding.truncated, ids_of(tokenizer, "one").size() > 3);
}

// Only the first page of a gigabyte can be read: encode must stop before the rest.
TEST_F(TokenizerTest, NoMoreOfALongTextIsReadThanMaxTokensNeed) {
  constexpr size_t kReserved = size_t{1} << 30;
  constexpr size_t kReadable = size_t{1} << 14;
  void* memory = ::mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(::mprotect(memory, kReadable, PROT_READ | PROT_WRITE), 0);
  const Tokenizer tokenizer = tiny();
  auto* text = static_cast<char*>(memory);
  // "\xFF." is dropped by clean_text but for the dot.
  for (const std::string unit : {"the ", "中", "!", "\xFF."}) {
    for (size_t i = 0; i < kReadable; ++i) text[i] = unit[i % unit.size()];
    Encoding encoding;
    tokenizer.encode({text, kReserved}, 64, encoding);
    EXPECT_EQ(encoding.ids.size(), 64U);
    EXPECT_TRUE(encoding.truncated);
  }
  ::munmap(memory, kReserved);
}

// Text goes through the stages in parts; where they are cut must not show.
TEST_F(TokenizerTest, LongTextsHaveTheIdsOfTheirPiecesOneAfterTheOther) {
  const Tokenizer tokenizer = tiny();
  const Strings units = {"the ",   "中",      "!",           "Élan\u3000", "a\u0301b ", "[SEP]", "\xFF",
                         "x\x80 ", "\u0000y", "\U0001F600 ", "[MASK",      "ééééééé ",  "  "};
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 64, ' ');
    Ids expected = {2};
    for (int i = 0; i < 400; ++i) {
      // A space on both sides makes each unit's ids independent of its neighbours.
      const std::string& unit = units[random() % units.size()];
      text.append(unit).append(1, ' ');
      const Ids ids = ids_of(tokenizer, unit);
      expected.insert(expected.end(), ids.begin() + 1, ids.end() - 1);
    }
    expected.push_back(3);
    ASSERT_EQ(ids_of(tokenizer, text), expected);
  }
}

TEST_F(TokenizerTest, WordsThatFillWholePartsStayWhole) {
  const Tokenizer tokenizer = tiny();
  const Ids unknown = {2, 1, 3};
  for (const size_t length : {1000U, 1023U, 1024U, 1025U, 5000U}) {
    EXPECT_EQ(ids_of(tokenizer, std::string(length, 'a')), unknown) << length;
    EXPECT_EQ(ids_of(tokenizer, std::string(1, ' ').append(length, 'a').append(1, ' ')), unknown) << length;
    std::string accents = "a";
    while (accents.size() < length) accents += "\u0301";
    EXPECT_EQ(ids_of(tokenizer, accents), ids_of(tokenizer, "a")) << length;
  }
}

TEST_F(TokenizerTest, AnEncodingIsOverwrittenWhateverItHeld) {
  const Tokenizer tokenizer = tiny();
  Encoding used;
  tokenizer.encode("a very long text, that is cut", 4, used);
  tokenizer.encode("the", 512, used);
  Encoding fresh;
  tokenizer.encode("the", 512, fresh);
  EXPECT_EQ(used.ids, fresh.ids);
  EXPECT_EQ(used.types, fresh.types);
  EXPECT_EQ(used.truncated, fresh.truncated);
}

TEST_F(TokenizerTest, ManyThreadsGetWhatOneGets) {
  const Tokenizer tokenizer = tiny();
  const std::string text = "The quick brown Fox [SEP] 中文 한국어 Élan";
  const Ids expected = ids_of(tokenizer, text);
  std::vector<std::thread> threads;
  std::vector<int> failures(4, 0);
  for (int& failed : failures) {
    threads.emplace_back([&] {
      Encoding encoding;
      for (int i = 0; i < 2000; ++i) {
        tokenizer.encode(text, 512, encoding);
        failed += encoding.ids != expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4, 0));
}

TEST_F(TokenizerTest, ContradictionsBetweenFilesAreWarnedOf) {
  Json json = tiny_tokenizer();
  json["normalizer"]["lowercase"] = false;
  json["model"]["max_input_chars_per_word"] = 50;
  json["pre_tokenizer"] = nullptr;
  json["post_processor"] = nullptr;
  json["added_tokens"][4]["id"] = 77;
  write("tokenizer.json", json);
  write("tokenizer_config.json", Json{{"tokenizer_class", "BertTokenizer"}});
  const std::string end = " is used, as transformers does for BertTokenizer";
  EXPECT_EQ(Tokenizer::load(directory_).warnings(),
            (Strings{"added token \"[MASK]\" has id 77 in its file, but gets id 4, as in tokenizers",
                     "tokenizer.json: normalizer.lowercase is false, but true" + end,
                     "tokenizer.json: normalizer.strip_accents is false, but true" + end,
                     "tokenizer.json: pre_tokenizer is null, but BertPreTokenizer" + end,
                     "tokenizer.json: model.max_input_chars_per_word is 50, but 100" + end,
                     "tokenizer.json: post_processor is A, but 2 A 3" + end}));
}

TEST_F(TokenizerTest, AgreeingFilesAreNotWarnedOf) {
  write("tokenizer.json", tiny_tokenizer());
  write("tokenizer_config.json", Json{{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", true}});
  EXPECT_EQ(Tokenizer::load(directory_).warnings(), Strings());
}

TEST_F(TokenizerTest, TokenizerClassesBuiltInOtherWaysAreRefused) {
  write("tokenizer.json", tiny_tokenizer());
  write("tokenizer_config.json", Json{{"tokenizer_class", "FunnelTokenizerFast"}});
  EXPECT_EQ(refusal(Code::kUnsupported, [&] { Tokenizer::load(directory_); }),
            "tokenizer_config.json: tokenizer_class \"FunnelTokenizer\" is built in a way that is not supported; "
            "PreTrainedTokenizerFast goes by tokenizer.json alone");
}

TEST_F(TokenizerTest, SettingsOfTheWrongTypeAreNamed) {
  write("tokenizer.json", tiny_tokenizer());
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"do_lower_case", "yes"}}, "tokenizer_config.json: do_lower_case: got string, expected true or false"},
      {{{"truncation_side", "top"}}, "tokenizer_config.json: truncation_side is \"top\", expected left or right"},
      {{{"added_tokens_decoder", {{"x", Json::object()}}}},
       "tokenizer_config.json: added_tokens_decoder: got key \"x\", expected a token id"},
      {{{"added_tokens_decoder", {{"3", Json::object()}}}},
       "tokenizer_config.json: added_tokens_decoder.3: \"content\" is missing"},
      {{{"tokenizer_class", 3}}, "tokenizer_config.json: tokenizer_class: got number, expected a string"}};
  for (const auto& [config, expected] : cases) {
    write("tokenizer_config.json", config);
    EXPECT_EQ(refusal(Code::kFormat, [&] { Tokenizer::load(directory_); }), expected);
  }
}

TEST_F(TokenizerTest, AddedTokensThatCannotBeMatchedAreRefused) {
  Json json = tiny_tokenizer();
  json["added_tokens"].push_back({{"id", 2000}, {"content", "\u0301"}, {"normalized", true}});
  write("tokenizer.json", json);
  EXPECT_NE(refusal(Code::kFormat, [&] { Tokenizer::load(directory_); }).find("is empty once it is normalized"),
            std::string::npos);
}

}  // namespace
}  // namespace emberline
