// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "text/byte_level.h"
#include "text/stage_fixture.h"
#include "text/text_fixture.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

BpeConfig config_of(std::vector<std::string> pieces, std::vector<std::pair<std::string, std::string>> merges) {
  BpeConfig config;
  for (const std::string& piece : pieces) config.vocab.emplace_back(piece, static_cast<int32_t>(config.vocab.size()));
  std::sort(config.vocab.begin(), config.vocab.end());
  config.merges = std::move(merges);
  return config;
}

std::unique_ptr<TokenModel> model_of(const BpeConfig& config) {
  return make_bpe(config, "file: model");
}

BpeConfig letters() {
  return config_of({"u", "a", "b", "c", "ab", "bc", "abc", "aba"}, {{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"ab", "a"}});
}

TEST(Bpe, JoinsThePairThatIsFirstInTheListFirst) {
  const auto model = model_of(letters());
  EXPECT_EQ(ids_of(*model, "abc"), (Ids{6}));
  EXPECT_EQ(ids_of(*model, "ab"), (Ids{4}));
  EXPECT_EQ(ids_of(*model, "abab"), (Ids{4, 4}));
  EXPECT_EQ(ids_of(*model, "aba"), (Ids{7}));
  EXPECT_EQ(ids_of(*model, "cab"), (Ids{3, 4}));
}

TEST(Bpe, OfEqualPairsTheLeftmostIsJoined) {
  const auto model = model_of(config_of({"a", "aa"}, {{"a", "a"}}));
  EXPECT_EQ(ids_of(*model, "aaa"), (Ids{1, 0}));
}

TEST(Bpe, LongWordsAreJoinedAsShortOnesAre) {
  const auto model = model_of(letters());
  std::string word;
  Ids expected;
  for (int i = 0; i < 100; ++i) {
    word += "abcb";
    expected.insert(expected.end(), {6, 2});
    EXPECT_EQ(ids_of(*model, word), expected) << i;
  }
}

TEST(Bpe, WordsOfManyPartsComeOutAsTheirPartsDo) {
  BpeConfig config = config_of({"u", "\u2581", "a", "b", "\u2581\u2581", "\u2581\u2581\u2581",
                                "\u2581\u2581"
                                "a",
                                "ab"},
                               {{"\u2581", "\u2581"}, {"\u2581\u2581", "\u2581"}, {"\u2581\u2581", "a"}, {"a", "b"}});
  config.unk_token = "u";
  config.fuse_unk = true;
  const std::string word =
      "ab\u2581\u2581"
      "ab\u2581xy\u2581\u2581\u2581z";
  const Ids parts = {7, 6, 3, 1, 0, 5, 0};
  EXPECT_EQ(ids_of(*model_of(config), word), parts);
  // A merge over the start of a part: all of the word counts.
  config.vocab.insert(config.vocab.begin(), {"ab\u2581", 8});
  std::sort(config.vocab.begin(), config.vocab.end());
  config.merges.push_back({"ab", "\u2581"});
  EXPECT_EQ(ids_of(*model_of(config), word), (Ids{7, 6, 3, 1, 0, 5, 0}));
  EXPECT_EQ(ids_of(*model_of(config), "ab\u2581x"), (Ids{8, 0}));
}

TEST(Bpe, UnknownCharactersAreDroppedOrOneTokenEachOrFused) {
  BpeConfig config = letters();
  EXPECT_EQ(ids_of(*model_of(config), "axyb"), (Ids{4}));
  config.unk_token = "u";
  EXPECT_EQ(ids_of(*model_of(config), "axyb"), (Ids{1, 0, 0, 2}));
  config.fuse_unk = true;
  EXPECT_EQ(ids_of(*model_of(config), "axybz"), (Ids{1, 0, 2, 0}));
}

TEST(Bpe, UnknownCharactersFallToTheirBytes) {
  BpeConfig config = config_of({"u", "a", "<0xC3>", "<0xA9>"}, {});
  config.byte_fallback = true;
  config.unk_token = "u";
  EXPECT_EQ(ids_of(*model_of(config), "aé"), (Ids{1, 2, 3}));
  // As in the reference, an unknown token waits behind bytes.
  EXPECT_EQ(ids_of(*model_of(config), "xéa"), (Ids{2, 3, 0, 1}));
}

TEST(Bpe, PrefixAndSuffixAreInThePiecesAlone) {
  BpeConfig config = config_of({"a", "##b", "##b</w>", "ab</w>", "a</w>"}, {{"a", "##b</w>"}});
  config.continuing_subword_prefix = "##";
  config.end_of_word_suffix = "</w>";
  EXPECT_EQ(ids_of(*model_of(config), "ab"), (Ids{3}));
  EXPECT_EQ(ids_of(*model_of(config), "abb"), (Ids{0, 1, 2}));
  EXPECT_EQ(ids_of(*model_of(config), "a"), (Ids{4}));
}

TEST(Bpe, WordThatIsAPieceStaysWholeIfMergesAreIgnored) {
  BpeConfig config = config_of({"a", "b", "ab"}, {});
  EXPECT_EQ(ids_of(*model_of(config), "ab"), (Ids{0, 1}));
  config.ignore_merges = true;
  EXPECT_EQ(ids_of(*model_of(config), "ab"), (Ids{2}));
}

TEST(Bpe, BytesAreLookedUpAsTheirCharacters) {
  const auto& characters = byte_characters();
  EXPECT_EQ(characters[' '], "Ġ");
  EXPECT_EQ(characters['\n'], "Ċ");
  EXPECT_EQ(characters['a'], "a");
  EXPECT_EQ(characters[0xC3], "Ã");
  EXPECT_EQ(characters[0xAD], "Ń");
  BpeConfig config = config_of({"Ġ", "a", "Ã", "©", "Ã©"}, {{"Ã", "©"}});
  config.byte_level = true;
  EXPECT_EQ(ids_of(*model_of(config), " aé"), (Ids{0, 1, 4}));
}

TEST(Bpe, MergesThatNameNoPieceAreRefused) {
  BpeConfig config = config_of({"a", "b"}, {{"a", "b"}});
  EXPECT_EQ(refusal(Code::kFormat, [&] { model_of(config); }),
            "file: model: merge 0 is \"a\" and \"b\", but the vocabulary has no piece \"ab\"");
  config.merges = {{"a", "x"}};
  EXPECT_EQ(refusal(Code::kFormat, [&] { model_of(config); }),
            "file: model: merge 0 is \"a\" and \"x\", but the vocabulary has no piece \"x\"");
  config.merges.clear();
  config.unk_token = "?";
  EXPECT_EQ(refusal(Code::kFormat, [&] { model_of(config); }),
            "file: model: the vocabulary has no piece for unk_token \"?\"");
}

}  // namespace
}  // namespace emberline
