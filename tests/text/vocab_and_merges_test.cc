// SPDX-License-Identifier: Apache-2.0
#include "text/vocab_and_merges.h"

#include <gtest/gtest.h>

#include "text/text_fixture.h"
#include "text/tokenizer.h"

namespace emberline {
namespace {

const char* const kVocab = R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4})";

std::string complaint(const std::string& vocab, const std::string& merges) {
  return refusal(Code::kFormat, [&] { read_vocab_and_merges(vocab, merges); });
}

TEST(VocabAndMerges, LinesBecomeMergesInOrder) {
  const BpeConfig config = read_vocab_and_merges(kVocab, "#version: 0.2\r\na b\r\nĠ ab");
  EXPECT_EQ(config.merges, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"Ġ", "ab"}}));
  EXPECT_EQ(config.vocab.size(), 5U);
}

TEST(VocabAndMerges, MergesThatNameNoPieceAreRefusedWithTheirLine) {
  EXPECT_EQ(complaint(kVocab, "#version: 0.2\na b\nb a\n"),
            "merges.txt: line 3 joins \"b\" and \"a\", but vocab.json has no piece \"ba\"");
  EXPECT_EQ(complaint(kVocab, "a x\n"), "merges.txt: line 1 joins \"a\" and \"x\", but vocab.json has no piece \"x\"");
  EXPECT_EQ(complaint(kVocab, "a b\nab\n"),
            "merges.txt: line 2 is \"ab\", expected two pieces with a space between them");
  EXPECT_EQ(complaint(kVocab, "a b\n\xFF"), "merges.txt: invalid UTF-8 at byte 4");
}

TEST(VocabAndMerges, VocabulariesWithHolesOrDuplicatesAreRefused) {
  EXPECT_EQ(complaint(R"({"a": 0, "b": 1, "c": 3})", ""),
            "vocab.json: has 3 pieces and piece \"c\" with id 3, but no piece with id 2; expected ids without a hole");
  EXPECT_EQ(complaint(R"({"a": 0, "b": 0})", ""), "vocab.json: pieces \"a\" and \"b\" share id 0");
  EXPECT_EQ(complaint("{}", ""), "vocab.json: has no pieces");
  EXPECT_EQ(complaint("[", "").find("vocab.json: not JSON: "), 0U);
}

class VocabAndMergesDirectory : public DirectoryTest {};

TEST_F(VocabAndMergesDirectory, AMissingHalfIsNamed) {
  write("vocab.json", std::string(kVocab));
  EXPECT_EQ(refusal(Code::kIo, [&] { Tokenizer::load(directory_); }),
            directory_.string() + ": has vocab.json without merges.txt beside it; copy both, or tokenizer.json");
  std::filesystem::rename(directory_ / "vocab.json", directory_ / "merges.txt");
  EXPECT_EQ(refusal(Code::kIo, [&] { Tokenizer::load(directory_); }),
            directory_.string() + ": has merges.txt without vocab.json beside it; copy both, or tokenizer.json");
}

TEST_F(VocabAndMergesDirectory, TheClassMustBeNamed) {
  write("vocab.json", std::string(kVocab));
  write("merges.txt", std::string("a b\n"));
  EXPECT_EQ(
      refusal(Code::kUnsupported, [&] { Tokenizer::load(directory_); }),
      "vocab.json: no file names a tokenizer_class, expected GPT2Tokenizer, Qwen2Tokenizer or RobertaTokenizer in "
      "tokenizer_config.json, or a tokenizer.json");
  write("tokenizer_config.json", Json{{"tokenizer_class", "GPT2Tokenizer"}});
  Encoding encoding;
  Tokenizer::load(directory_).encode("ab ab", 10, encoding);
  EXPECT_EQ(encoding.ids, (std::vector<int32_t>{2, 3, 2}));
}

}  // namespace
}  // namespace emberline
