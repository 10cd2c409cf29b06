// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece_file.h"

#include <gtest/gtest.h>

#include <bit>

#include "text/sentencepiece_models.h"
#include "text/sentencepiece_normalizer.h"
#include "text/stage_fixture.h"
#include "text/text_fixture.h"
#include "text/tokenizer.h"

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;
using Type = SentencePiece::Type;

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}
std::string field(uint32_t number, uint64_t value) {
  return varint(number << 3) + varint(value);
}
std::string field(uint32_t number, const std::string& value) {
  return varint(number << 3 | 2) + varint(value.size()) + value;
}

std::string piece(const std::string& text, float score = 0, Type type = Type::kNormal) {
  std::string bytes = field(1, text) + varint(2 << 3 | 5);
  const auto bits = std::bit_cast<uint32_t>(score);
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xFF);
  return field(1, bytes + field(3, static_cast<uint64_t>(type)));
}

std::string few_pieces() {
  return piece("<unk>", 0, Type::kUnknown) + piece("\u2581", -3) + piece("a", -2) + piece("b", -2.5F) +
         piece("ab", -1) +
         piece(
             "\u2581"
             "a",
             -2);
}

std::string complaint(const std::string& bytes, Code code = Code::kFormat) {
  return refusal(code, [&] { read_sentencepiece_file(bytes, "x.model"); });
}

TEST(SentencePieceFile, PiecesAndSettingsAreRead) {
  const auto file = read_sentencepiece_file(
      few_pieces() + field(2, field(3, 2) + field(40, 7)) + field(3, field(3, 0) + field(4, 0) + field(5, 0)),
      "x.model");
  ASSERT_EQ(file.pieces.size(), 6U);
  EXPECT_EQ(file.pieces[4].text, "ab");
  EXPECT_EQ(file.pieces[3].score, -2.5F);
  EXPECT_EQ(file.unknown, 0);
  EXPECT_EQ(file.unk_id, 7);
  EXPECT_EQ(file.kind, SentencePieceFile::Kind::kBpe);
  EXPECT_FALSE(file.add_dummy_prefix || file.remove_extra_whitespaces || file.escape_whitespaces);
}

TEST(SentencePieceFile, FilesCutOffAnywhereAreRefused) {
  const std::string whole = few_pieces() + field(2, field(3, 2));
  size_t at_a_boundary = 0;
  for (size_t size = 1; size < whole.size(); ++size) {
    try {
      read_sentencepiece_file(whole.substr(0, size), "x.model");
      ++at_a_boundary;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find("x.model: "), 0U) << error.what();
    }
  }
  EXPECT_EQ(at_a_boundary, 6U);
  EXPECT_EQ(complaint(few_pieces().substr(0, 27)),
            "x.model: cut off: field 1 at byte 16 has 12 bytes, but 9 are left; copy the file again");
}

TEST(SentencePieceFile, OtherFilesAreRefused) {
  EXPECT_EQ(complaint(""), "x.model: is empty, expected a SentencePiece model");
  EXPECT_EQ(complaint("version https://git-lfs.github.com/spec/v1\n"),
            "x.model: is a pointer of Git LFS, expected the file itself; run `git lfs pull` where it came from");
  EXPECT_EQ(complaint("IQ== 0\n"), "x.model: cut off at byte 7; copy the file again");
  EXPECT_EQ(complaint("{\"a\": 1}"),
            "x.model: byte 0: got wire type 3, expected a SentencePiece model; is it another kind of file?");
  EXPECT_EQ(complaint(field(7, 1)), "x.model: has no pieces");
}

TEST(SentencePieceFile, PiecesThatContradictEachOtherAreNamed) {
  EXPECT_EQ(complaint(few_pieces() + piece("ab")), "x.model: piece \"ab\" is there twice, as 4 and 6");
  EXPECT_EQ(complaint(few_pieces() + piece("")), "x.model: piece 6 is empty");
  EXPECT_EQ(complaint(few_pieces() + piece(std::string(4097, 'x'))),
            "x.model: piece 6 has 4097 bytes, expected at most 4096");
  EXPECT_EQ(complaint(few_pieces() + piece("\xFF")), "x.model: piece 6 is no UTF-8, or holds a NUL");
  EXPECT_EQ(complaint(few_pieces() + piece("c", std::numeric_limits<float>::infinity())),
            "x.model: piece 6 \"c\" has the score inf, expected a number");
  EXPECT_EQ(complaint(few_pieces() + piece("?", 0, Type::kUnknown)),
            "x.model: pieces 0 and 6 are both of type unknown, expected one");
  EXPECT_EQ(complaint(piece("a")), "x.model: none of its 1 pieces is of type unknown, expected one");
  EXPECT_EQ(complaint(few_pieces() + piece("c", 0, static_cast<Type>(9))),
            "x.model: piece 6 is of type 9, expected 1 to 6");
  EXPECT_EQ(complaint(few_pieces() + piece("<0x00>", 0, Type::kByte)),
            "x.model: piece 6 \"<0x00>\" is of type byte, but trainer_spec.byte_fallback is false");
  EXPECT_EQ(complaint(few_pieces() + piece("<0x00>", 0, Type::kByte) + field(2, field(35, 1))),
            "x.model: trainer_spec.byte_fallback is true, but no piece of type byte is \"<0x01>\"");
}

TEST(SentencePieceFile, ModelsOfOtherKindsAreRefusedByName) {
  EXPECT_EQ(complaint(few_pieces() + field(2, field(3, 3)), Code::kUnsupported),
            "x.model: trainer_spec.model_type is 3, expected 1 (unigram) or 2 (bpe)");
  EXPECT_EQ(
      complaint(few_pieces() + field(2, field(24, 1)), Code::kUnsupported),
      "x.model: trainer_spec.treat_whitespace_as_suffix is true, expected false: pieces that end with their space "
      "are not supported");
}

TEST(SentencePieceFile, DamagedCharsmapsAreNamed) {
  const auto file = read_sentencepiece_file(few_pieces() + field(3, field(2, std::string("\x09\0\0\0", 4))), "x.model");
  EXPECT_EQ(refusal(Code::kFormat, [&] { make_sentencepiece_normalizer(file); }),
            "x.model: charsmap of 4 bytes says its trie has 9, expected a multiple of 4 that fits");
}

TEST(SentencePieceNormalizer, SpacesArePutInAndTakenOut) {
  SentencePieceFile file = read_sentencepiece_file(few_pieces(), "x.model");
  EXPECT_EQ(form_of(*make_sentencepiece_normalizer(file), "  a  b "), "\u2581a\u2581b");
  EXPECT_EQ(form_of(*make_sentencepiece_normalizer(file), "  "), "");
  file.add_dummy_prefix = false;
  file.remove_extra_whitespaces = false;
  EXPECT_EQ(form_of(*make_sentencepiece_normalizer(file), " a  b "), "\u2581a\u2581\u2581b\u2581");
  file.escape_whitespaces = false;
  EXPECT_EQ(form_of(*make_sentencepiece_normalizer(file), " a"), " a");
}

TEST(SentencePieceModels, UnusedPiecesComeApartAndThoseOfTheUserStay) {
  SentencePieceFile file = read_sentencepiece_file(few_pieces(), "x.model");
  const auto unigram_ids = [&] {
    return ids_of(*make_sentencepiece_unigram(file),
                  "\u2581"
                  "abab");
  };
  const auto bpe_ids = [&] {
    return ids_of(*make_sentencepiece_bpe(file),
                  "\u2581"
                  "abab");
  };
  EXPECT_EQ(unigram_ids(), (Ids{1, 4, 4}));
  EXPECT_EQ(bpe_ids(), (Ids{1, 4, 4}));
  file.pieces[4].type = Type::kUnused;
  EXPECT_EQ(unigram_ids(), (Ids{5, 3, 2, 3}));
  EXPECT_EQ(bpe_ids(), (Ids{1, 2, 3, 2, 3}));
  file.pieces[4] = {"ba", -100, Type::kUserDefined};
  EXPECT_EQ(unigram_ids(), (Ids{5, 4, 3}));
  EXPECT_EQ(bpe_ids(), (Ids{5, 4, 3}));
}

TEST(SentencePieceModels, UnknownCharactersThatTouchAreOneToken) {
  const SentencePieceFile file = read_sentencepiece_file(few_pieces(), "x.model");
  EXPECT_EQ(ids_of(*make_sentencepiece_unigram(file), "xya日b"), (Ids{0, 2, 0, 3}));
  EXPECT_EQ(ids_of(*make_sentencepiece_bpe(file), "xya日b"), (Ids{0, 2, 0, 3}));
}

class SentencePieceDirectory : public DirectoryTest {
 protected:
  std::string load_refusal(Code code) {
    return refusal(code, [&] { Tokenizer::load(directory_); });
  }
};

TEST_F(SentencePieceDirectory, FilesWithoutAClassAreReadAsSentencePieceReadsThem) {
  write("sp.model", few_pieces());
  const Tokenizer tokenizer = Tokenizer::load(directory_);
  Encoding encoding;
  tokenizer.encode("ab a", 10, encoding);
  EXPECT_EQ(encoding.ids, (Ids{1, 4, 5}));
  EXPECT_EQ(tokenizer.vocab_size(), 6);
  EXPECT_EQ(
      tokenizer.warnings().at(0),
      "sp.model: no file names a tokenizer_class, so ids are those of SentencePiece itself, without special tokens");
}

TEST_F(SentencePieceDirectory, TokensAroundATextAreLostOrAnEmptyTextHasNone) {
  write("sp.model", few_pieces() + piece("<s>", 0, Type::kControl) + piece("</s>", 0, Type::kControl));
  Json settings = {{"add_bos_token", true}, {"bos_token", "<s>"}, {"add_eos_token", true}, {"eos_token", "</s>"}};
  write("tokenizer_config.json", settings);
  const auto ids = [&](std::string_view text, int64_t max_tokens) {
    Encoding encoding;
    Tokenizer::load(directory_).encode(text, max_tokens, encoding);
    EXPECT_EQ(encoding.ids.size(), encoding.types.size());
    return encoding.ids;
  };
  EXPECT_EQ(ids("ab a", 10), (Ids{6, 1, 4, 5, 7}));
  EXPECT_EQ(ids("<s>", 10), (Ids{6, 1, 0, 7}));  // text never is a control token
  EXPECT_EQ(ids("ab a", 4), (Ids{6, 1, 4, 7}));
  EXPECT_EQ(ids("", 10), (Ids{6, 7}));
  EXPECT_TRUE(Tokenizer::load(directory_).warnings().empty());
  settings["unk_for_empty_text"] = true;
  write("tokenizer_config.json", settings);
  EXPECT_EQ(ids("", 10), (Ids{6, 0, 7}));
  EXPECT_EQ(ids("  ", 10), (Ids{6, 0, 7}));
  EXPECT_EQ(ids("", 2), (Ids{6, 7}));
  EXPECT_EQ(ids("a", 10), (Ids{6, 5, 7}));
  settings["eos_token"] = "</t>";
  write("tokenizer_config.json", settings);
  EXPECT_EQ(load_refusal(Code::kFormat),
            "tokenizer_config.json: eos_token: got \"</t>\", which is no piece of sp.model");
  settings.erase("bos_token");
  write("tokenizer_config.json", settings);
  EXPECT_EQ(load_refusal(Code::kFormat),
            "tokenizer_config.json: bos_token is missing, expected one of the pieces of sp.model");
}

TEST_F(SentencePieceDirectory, ClassesThatAreNotBuiltFromTheFileAreRefused) {
  write("tokenizer.model", few_pieces());
  write("tokenizer_config.json", Json{{"tokenizer_class", "LlamaTokenizer"}});
  EXPECT_EQ(
      load_refusal(Code::kUnsupported),
      "tokenizer.model: the model is unigram, but LlamaTokenizer needs bpe; name the tokenizer_class that fits in "
      "tokenizer_config.json");
  write("tokenizer_config.json", Json{{"tokenizer_class", "RobertaTokenizer"}});
  EXPECT_EQ(load_refusal(Code::kUnsupported),
            "tokenizer_config.json: tokenizer_class \"RobertaTokenizer\" is not built from a SentencePiece file "
            "(tokenizer.model, spiece.model, ...), expected vocab.json with merges.txt or tokenizer.json");
  write("tokenizer_config.json", Json{{"tokenizer_class", "PreTrainedTokenizerFast"}});
  EXPECT_EQ(load_refusal(Code::kUnsupported),
            "tokenizer.model: tokenizer_class \"PreTrainedTokenizer\", expected AlbertTokenizer, CamembertTokenizer, "
            "DebertaV2Tokenizer, GemmaTokenizer, LlamaTokenizer, T5Tokenizer or XLMRobertaTokenizer in "
            "tokenizer_config.json, or a tokenizer.json");
  write("tokenizer_config.json", Json{{"tokenizer_class", "XLMRobertaTokenizer"}, {"pad_token", "ab"}});
  EXPECT_EQ(load_refusal(Code::kFormat),
            "tokenizer.model: as XLMRobertaTokenizer has it: piece \"ab\" is there twice, as 1 and 5");
}

}  // namespace
}  // namespace emberline
