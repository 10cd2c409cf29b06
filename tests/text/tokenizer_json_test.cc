// SPDX-License-Identifier: Apache-2.0
// Files that cannot be used, each with the message that says why and where.
#include "text/tokenizer_json.h"

#include <gtest/gtest.h>

#include "text/text_fixture.h"

namespace emberline {
namespace {

std::string refusal_of(Code code, const std::string& text) {
  return refusal(code, [&] { read_tokenizer_json(text, "tokenizer.json"); });
}

// The committed tokenizer with the value at `pointer` set (or, without a value, removed).
std::string changed(const std::string& pointer, const Json& value) {
  Json json = tiny_tokenizer();
  json[Json::json_pointer(pointer)] = value;
  return json.dump();
}

std::string removed(const std::string& object, const std::string& key) {
  Json json = tiny_tokenizer();
  json[Json::json_pointer(object)].erase(key);
  return json.dump();
}

TEST(TokenizerJson, CommittedFileIsRead) {
  const TokenizerFile file = read_tokenizer_json(tiny_tokenizer().dump(), "tokenizer.json");
  EXPECT_GT(vocabulary_of(file.model).size(), 1000U);
  EXPECT_EQ(file.added_tokens.size(), 5U);
  EXPECT_EQ(file.pre_tokenizer_type, "BertPreTokenizer");
  EXPECT_EQ(file.post_processor.before.ids, std::vector<int32_t>{2});
}

TEST(TokenizerJson, FirstOfTwoMembersOfOneNameCounts) {
  std::string text = tiny_tokenizer().dump();
  const size_t vocab = text.find("\"vocab\":{") + 9;
  text.insert(vocab, "\"[UNK]\":77777,");
  text.insert(text.rfind('}'), ",\"version\":\"2.0\"");
  EXPECT_EQ(refusal_of(Code::kUnsupported, text), "tokenizer.json: version \"2.0\", expected \"1.0\"");
  text.insert(text.rfind('}'), ",\"version\":\"1.0\"");
  const TokenizerFile file = read_tokenizer_json(text, "tokenizer.json");
  for (const auto& [piece, id] : vocabulary_of(file.model)) EXPECT_NE(id, 77777) << piece;
  EXPECT_EQ(vocabulary_of(file.model).size(), tiny_tokenizer()["model"]["vocab"].size());
}

TEST(TokenizerJson, UnknownStagesAreNamedWithTheirPlace) {
  const auto expect_unknown = [](const std::string& pointer, const Json& value, const std::string& message) {
    EXPECT_EQ(refusal_of(Code::kUnsupported, changed(pointer, value)).rfind("tokenizer.json: " + message, 0), 0U)
        << message;
  };
  expect_unknown("/normalizer", {{"type", "New"}}, "normalizer: unknown stage \"New\"; known here: BertNormalizer, ");
  expect_unknown("/normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Lowercase"}}, {{"type", "New"}}}}},
                 "normalizer.normalizers[1]: unknown stage \"New\"");
  expect_unknown("/pre_tokenizer", {{"type", "New"}}, "pre_tokenizer: unknown stage \"New\"; known here: BertPre");
  expect_unknown("/model/type", "New", "model: unknown stage \"New\"; known here: BPE, Unigram, WordLevel, WordPiece");
  expect_unknown("/post_processor", {{"type", "New"}}, "post_processor: unknown stage \"New\"; known here: BertProc");
  expect_unknown("/version", "2.0", "version \"2.0\", expected \"1.0\"");
}

TEST(TokenizerJson, StagesThatCannotBeFollowedAreRefused) {
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  EXPECT_EQ(refusal_of(Code::kUnsupported, changed("/pre_tokenizer", byte_level)),
            "tokenizer.json: pre_tokenizer: ByteLevel with a model that is not BPE, expected BPE");
  const Json behind = {{"type", "Sequence"}, {"pretokenizers", {byte_level, {{"type", "Whitespace"}}}}};
  EXPECT_EQ(
      refusal_of(Code::kUnsupported, changed("/pre_tokenizer", behind)),
      "tokenizer.json: pre_tokenizer.pretokenizers[1]: a stage behind ByteLevel, expected ByteLevel to be the last");
  Json split = {{"type", "Split"}, {"pattern", {{"Regex", "x(?#)"}}}, {"behavior", "Isolated"}, {"invert", false}};
  EXPECT_EQ(refusal_of(Code::kUnsupported, changed("/pre_tokenizer", split)),
            "tokenizer.json: pre_tokenizer.pattern: pattern \"x(?#)\" is not supported: a group of another kind than "
            "?: ?i: ?= ?! ?<= ?<! ?> before byte 2");
  split["behavior"] = "Apart";
  EXPECT_EQ(
      refusal_of(Code::kFormat, changed("/pre_tokenizer", split)),
      "tokenizer.json: pre_tokenizer.behavior: got \"Apart\", expected one of Contiguous, Isolated, MergedWithNext, "
      "MergedWithPrevious, Removed");
  const Json replace = {{"type", "Replace"}, {"pattern", {{"Regex", "x*"}}}, {"content", ""}};
  EXPECT_EQ(refusal_of(Code::kUnsupported, changed("/normalizer", replace)),
            "tokenizer.json: normalizer.pattern: pattern \"x*\" can match nothing, expected one that takes text");
}

TEST(TokenizerJson, ModelsThatCannotBeFollowedAreRefused) {
  const auto refused = [](Code code, const Json& model) { return refusal_of(code, changed("/model", model)); };
  const Json pieces = Json::parse(R"([["a", -1.5], ["b", -2]])");
  EXPECT_EQ(refused(Code::kUnsupported, {{"type", "Unigram"}, {"vocab", pieces}, {"unk_id", nullptr}}),
            "tokenizer.json: model: has no unk_id, expected the place of the unknown piece in vocab");
  EXPECT_EQ(refused(Code::kFormat, {{"type", "Unigram"}, {"vocab", pieces}, {"unk_id", 2}}),
            "tokenizer.json: model.unk_id: got 2, expected 0 to 1");
  EXPECT_EQ(
      refused(Code::kFormat, {{"type", "Unigram"}, {"vocab", Json::parse(R"([["a", 0], ["a", 1]])")}, {"unk_id", 0}}),
      "tokenizer.json: model.vocab: piece \"a\" is there twice, as 0 and 1");
  EXPECT_EQ(
      refused(Code::kFormat, {{"type", "Unigram"}, {"vocab", Json::parse(R"([["a", 0], ["b"]])")}, {"unk_id", 0}}),
      "tokenizer.json: model.vocab[1]: expected [piece, score]");
  Json bpe = {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}}}, {"merges", Json::array()}, {"dropout", 0.1}};
  EXPECT_EQ(refused(Code::kUnsupported, bpe),
            "tokenizer.json: model: dropout 0.1 gives other ids from call to call, expected null or 0");
  bpe["dropout"] = nullptr;
  bpe["merges"] = {"a b c"};
  EXPECT_EQ(refused(Code::kFormat, bpe),
            "tokenizer.json: model.merges[0]: got \"a b c\", expected two pieces with a space between them");
  bpe.erase("merges");
  EXPECT_EQ(refused(Code::kFormat, bpe), "tokenizer.json: model: \"merges\" is missing");
}

TEST(TokenizerJson, TextThatIsNotJsonIsRefused) {
  const std::string whole = tiny_tokenizer().dump();
  for (const std::string& text : {std::string(), std::string("{"), whole.substr(0, whole.size() / 2), whole + "}"}) {
    EXPECT_EQ(refusal_of(Code::kFormat, text).rfind("tokenizer.json: not JSON: ", 0), 0U);
  }
  std::string ill_formed = whole;
  ill_formed[whole.find("[PAD]") + 1] = '\xFF';
  EXPECT_EQ(refusal_of(Code::kFormat, ill_formed).rfind("tokenizer.json: not JSON: ", 0), 0U);
}

TEST(TokenizerJson, DeepNestingIsRefusedBeforeItIsParsed) {
  EXPECT_EQ(refusal_of(Code::kFormat, std::string(1000000, '[')),
            "tokenizer.json: nests deeper than 128 levels at byte 128");
  EXPECT_EQ(refusal_of(Code::kFormat, "[\"]]]\\\"\"," + std::string(128, '[')),
            "tokenizer.json: nests deeper than 128 levels at byte 136");
}

TEST(TokenizerJson, WrongTypesAreNamedWithTheirPlace) {
  EXPECT_EQ(refusal_of(Code::kFormat, "[]"), "tokenizer.json: got array, expected an object");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/normalizer", "BertNormalizer")),
            "tokenizer.json: normalizer: got string, expected an object");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/normalizer/lowercase", 1)),
            "tokenizer.json: normalizer.lowercase: got number, expected true or false");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/normalizer/strip_accents", "no")),
            "tokenizer.json: normalizer.strip_accents: got string, expected true or false");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab", Json::array({"a", "b"}))),
            "tokenizer.json: model.vocab: got array, expected an object of ids by piece");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/unk_token", 5)),
            "tokenizer.json: model.unk_token: got number, expected a string");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/max_input_chars_per_word", 1.5)),
            "tokenizer.json: model.max_input_chars_per_word: got number, expected an integer");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/max_input_chars_per_word", -1)),
            "tokenizer.json: model.max_input_chars_per_word: got -1, expected 0 to 2147483647");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/added_tokens", {{"[PAD]", 0}})),
            "tokenizer.json: added_tokens: got object, expected a list");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/added_tokens/1/content", 7)),
            "tokenizer.json: added_tokens[1].content: got number, expected a string");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/truncation", {{"direction", "Up"}})),
            "tokenizer.json: truncation: got direction \"Up\", expected Left or Right");
}

TEST(TokenizerJson, MissingPartsAreNamed) {
  EXPECT_EQ(refusal_of(Code::kFormat, "{}"), "tokenizer.json: \"model\" is missing");
  EXPECT_EQ(refusal_of(Code::kFormat, removed("/model", "vocab")), "tokenizer.json: model: \"vocab\" is missing");
  EXPECT_EQ(refusal_of(Code::kFormat, removed("/model", "unk_token")),
            "tokenizer.json: model: \"unk_token\" is missing");
  EXPECT_EQ(refusal_of(Code::kFormat, removed("/normalizer", "type")),
            "tokenizer.json: normalizer: \"type\" is missing");
  EXPECT_EQ(refusal_of(Code::kFormat, removed("/added_tokens/2", "id")),
            "tokenizer.json: added_tokens[2]: \"id\" is missing");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab", Json::object())),
            "tokenizer.json: model.vocab: has no pieces");
}

TEST(TokenizerJson, IdsOutOfRangeAndSharedIdsAreRefused) {
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab/new", -1)),
            "tokenizer.json: model.vocab: piece \"new\" has id -1, expected an integer from 0 to 2147483647");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab/new", 4294967296)),
            "tokenizer.json: model.vocab: piece \"new\" has id 4294967296, expected an integer from 0 to 2147483647");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab/new", 1.0)),
            "tokenizer.json: model.vocab: piece \"new\" has id 1.0, expected an integer from 0 to 2147483647");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/added_tokens/0/id", -3)),
            "tokenizer.json: added_tokens[0].id: got -3, expected 0 to 2147483647");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/model/vocab/zzz", 0)),
            "tokenizer.json: model.vocab: pieces \"[PAD]\" and \"zzz\" share id 0");
}

TEST(TokenizerJson, TemplatesThatCannotBeFollowedAreRefused) {
  const Json sequence_b = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  EXPECT_EQ(refusal_of(Code::kUnsupported, changed("/post_processor/single", Json::array({sequence_b}))),
            "tokenizer.json: post_processor.single[0].Sequence: sequence B, expected A once");
  EXPECT_EQ(refusal_of(Code::kUnsupported, changed("/post_processor/single", Json::array())),
            "tokenizer.json: post_processor.single: the template has no sequence A");
  EXPECT_EQ(
      refusal_of(Code::kFormat, changed("/post_processor/special_tokens", Json::object())),
      "tokenizer.json: post_processor.single[0].SpecialToken: special token \"[CLS]\" is not among special_tokens");
  EXPECT_EQ(refusal_of(Code::kFormat, changed("/post_processor", {{"type", "BertProcessing"},
                                                                  {"sep", Json::array({"[SEP]"})},
                                                                  {"cls", Json::array({"[CLS]", 2})}})),
            "tokenizer.json: post_processor.sep: got 1 elements, expected [token, id]");
}

}  // namespace
}  // namespace emberline
