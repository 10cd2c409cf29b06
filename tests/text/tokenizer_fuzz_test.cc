// SPDX-License-Identifier: Apache-2.0
// The same random damage in every run: whatever a file or a text holds, it is refused or gives sound ids.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "text/text_fixture.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace emberline {
namespace {

class Fuzz : public DirectoryTest {
 protected:
  static void expect_sound(const Tokenizer& tokenizer, const std::string& text, int64_t max_tokens) {
    Encoding encoding;
    tokenizer.encode(text, max_tokens, encoding);
    ASSERT_LE(static_cast<int64_t>(encoding.ids.size()), max_tokens);
    ASSERT_GE(static_cast<int64_t>(encoding.ids.size()), tokenizer.num_special_tokens());
    ASSERT_EQ(encoding.types.size(), encoding.ids.size());
    for (const int32_t id : encoding.ids) ASSERT_GE(id, 0);
  }

  std::string damaged(std::string text) {
    static const std::string kAlphabet = "{}[]\",:0129-.etrufalsn\\u\xFF\x01";
    for (int damage = 1 + static_cast<int>(random_() % 4); damage > 0; --damage) {
      const size_t at = random_() % text.size();
      switch (random_() % 4) {
        case 0: text[at] = kAlphabet[random_() % kAlphabet.size()]; break;
        case 1: text.erase(at, 1 + random_() % 20); break;
        case 2: text.insert(at, text.substr(random_() % text.size(), random_() % 30)); break;
        default: text[at] = static_cast<char>(text[at] ^ (1 << random_() % 8)); break;
      }
      if (text.empty()) text.push_back('x');
    }
    return text;
  }

  void expect_refused_or_sound(const std::string& whole, int rounds, int least_accepted, int least_refused,
                               const std::string& file = "tokenizer.json") {
    int accepted = 0;
    int refused = 0;
    for (int round = 0; round < rounds; ++round) {
      write(file, damaged(whole));
      try {
        const Tokenizer tokenizer = Tokenizer::load(directory_);
        expect_sound(tokenizer, "The a b [SEP] \xFF\xE4\xB8 中文 a\u0301!  12", tokenizer.num_special_tokens() + 5);
        ++accepted;
      } catch (const Error& error) {
        ASSERT_TRUE(error.code() == Code::kFormat || error.code() == Code::kUnsupported) << error.what();
        ++refused;
      }
    }
    EXPECT_GT(accepted, least_accepted);
    EXPECT_GT(refused, least_refused);
  }

  std::string random_text() {
    static const std::string kHeads = "\xC3\xE0\xE4\xED\xF0\xF4\xB8\x80\xAD[]aA 1'\n";
    std::string text(random_() % 80, ' ');
    const bool common = random_() % 2;
    for (char& byte : text) byte = static_cast<char>(common ? kHeads[random_() % kHeads.size()] : random_() % 256);
    return text;
  }

  void expect_sound_on_random_bytes(int rounds) {
    const Tokenizer tokenizer = Tokenizer::load(directory_);
    for (int round = 0; round < rounds; ++round) {
      const std::string text = random_text();
      const int64_t max_tokens = 2 + static_cast<int64_t>(random_() % 100);
      expect_sound(tokenizer, text, max_tokens);
      std::string repaired;
      utf8::append_repaired(text, repaired);
      Encoding as_it_is, after_repair;
      tokenizer.encode(text, max_tokens, as_it_is);
      tokenizer.encode(repaired, max_tokens, after_repair);
      ASSERT_EQ(as_it_is.ids, after_repair.ids) << ::testing::PrintToString(text);
      ASSERT_EQ(as_it_is.truncated, after_repair.truncated);
    }
  }

  static Json kind(const std::string& name) {
    return Json::parse(read_whole(test_data() / "../tokenizers" / (name + ".json"))).at("tokenizer.json");
  }

  std::mt19937 random_{20240229};
};

// A small file, so that damage hits structure more often than vocabulary.
Json small_tokenizer() {
  Json json = tiny_tokenizer();
  Json vocab = Json::object();
  for (const auto& [piece, id] : json["model"]["vocab"].items()) {
    if (id < 40) vocab[piece] = id;
  }
  json["model"]["vocab"] = vocab;
  json["added_tokens"].push_back({{"id", 40}, {"content", "a b"}, {"normalized", true}, {"lstrip", true}});
  return json;
}

Json with_few_pieces(Json json) {
  Json& model = json["model"];
  if (model["type"] == "Unigram") {
    Json pieces = Json::array();
    for (size_t i = 0; i < 40; ++i) pieces.push_back(model["vocab"][i]);
    model["vocab"] = pieces;
    return json;
  }
  Json vocab = Json::object();
  for (const auto& [piece, id] : model["vocab"].items()) {
    if (id < 40 || (piece.size() < 3 && id < 400)) vocab[piece] = id;
  }
  Json merges = Json::array();
  for (const Json& pair : model["merges"]) {
    const std::string whole = pair[0].get<std::string>() + pair[1].get<std::string>();
    if (vocab.contains(pair[0]) && vocab.contains(pair[1]) && vocab.contains(whole)) merges.push_back(pair);
  }
  model["vocab"] = vocab;
  model["merges"] = merges;
  return json;
}

TEST_F(Fuzz, DamagedTokenizerFilesAreRefusedOrWork) {
  expect_refused_or_sound(small_tokenizer().dump(), 3000, 100, 1000);
}

TEST_F(Fuzz, DamagedFilesOfOtherKindsAreRefusedOrWork) {
  for (const char* name : {"unigram-bytes", "llama2", "llama3", "roberta", "deberta-v3"}) {
    SCOPED_TRACE(name);
    expect_refused_or_sound(with_few_pieces(kind(name)).dump(), 1000, 30, 300);
  }
}

std::string sentencepiece(const std::string& name) {
  return read_whole(test_data() / "../sentencepiece" / (name + ".model"));
}

TEST_F(Fuzz, DamagedSentencePieceFilesAreRefusedOrWork) {
  for (const char* name : {"unigram-as-it-is", "bpe"}) {
    SCOPED_TRACE(name);
    expect_refused_or_sound(sentencepiece(name), 600, 20, 100, "sp.model");
  }
  std::filesystem::remove(directory_ / "sp.model");
  write("tokenizer_config.json", Json{{"tokenizer_class", "LlamaTokenizer"}});
  expect_refused_or_sound(sentencepiece("llama"), 300, 10, 50, "tokenizer.model");
}

TEST_F(Fuzz, DamagedCharsmapsAreRefusedOrWork) {
  const std::string whole = sentencepiece("unigram");
  for (int round = 0; round < 60; ++round) {
    std::string bytes = whole;
    for (int damage = 0; damage < 400; ++damage) bytes[bytes.size() - 1 - random_() % 200000] ^= 1 << random_() % 8;
    write("sp.model", bytes);
    try {
      expect_sound(Tokenizer::load(directory_), "The a b \xFF\xE4\xB8 中文 a\u0301!  12 \u3392\uFF21", 500);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Code::kFormat) << error.what();
    }
  }
}

TEST_F(Fuzz, DamagedVocabulariesAndMergesAreRefusedOrWork) {
  const Json model = with_few_pieces(kind("roberta")).at("model");
  std::map<int, std::string> by_id;
  for (const auto& [piece, id] : model.at("vocab").items()) by_id[id] = piece;
  Json vocab = Json::object();
  for (const auto& [id, piece] : by_id) vocab[piece] = vocab.size();
  std::string merges = "#version: 0.2\n";
  for (const Json& pair : model.at("merges")) {
    merges += pair[0].get<std::string>() + " " + pair[1].get<std::string>() + "\n";
  }
  write("tokenizer_config.json", Json{{"tokenizer_class", "RobertaTokenizer"}});
  write("vocab.json", vocab);
  expect_refused_or_sound(merges, 500, 0, 50, "merges.txt");
  write("merges.txt", merges);
  expect_refused_or_sound(vocab.dump(), 500, 0, 50, "vocab.json");
}

TEST_F(Fuzz, RandomBytesGiveSoundIdsThoseOfTheRepairedText) {
  write("tokenizer.json", tiny_tokenizer());
  expect_sound_on_random_bytes(20000);
}

TEST_F(Fuzz, RandomBytesGiveSoundIdsWithEveryKind) {
  for (const char* name : {"albert", "deberta-v3", "gemma", "llama2", "llama3", "modernbert", "qwen2", "roberta",
                           "unigram-bytes", "word-level", "xlm-roberta"}) {
    SCOPED_TRACE(name);
    write("tokenizer.json", kind(name));
    expect_sound_on_random_bytes(2000);
  }
  std::filesystem::remove(directory_ / "tokenizer.json");
  for (const char* name : {"unigram", "unigram-as-it-is", "bpe", "bpe-unknown"}) {
    SCOPED_TRACE(name);
    write("sp.model", sentencepiece(name));
    expect_sound_on_random_bytes(1000);
  }
}

}  // namespace
}  // namespace emberline
