// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "column.h"
#include "engine/engine.h"
#include "info_of.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::info_of;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using Settings = std::initializer_list<std::pair<const char*, const char*>>;

Engine load_with(const char* model, Settings settings = {}) {
  return Engine::load(data_path(model), options_of(settings));
}

std::string derive_complaint(const Engine& engine, Settings settings, Code code = Code::kInvalidArgument) {
  try {
    engine.derive(options_of(settings));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

std::vector<float> vector_of(const Engine& engine, const char* text) {
  return embed(engine, {text}).row(0);
}

TEST(EngineOptions, MaxTokensOutsideTheModelNamesTheRange) {
  const Engine engine = load_with("tiny-prompts");
  EXPECT_EQ(derive_complaint(engine, {{"max_tokens", "65"}}),
            "option max_tokens: got 65, expected 3 (special tokens and one more) to 64 (positions of this model)");
  EXPECT_NE(derive_complaint(engine, {{"max_tokens", "2"}}).find("got 2, expected 3"), std::string::npos);
  EXPECT_EQ(engine.derive(options_of({{"max_tokens", "64"}})).max_tokens(), 64);
}

TEST(EngineOptions, DimsBeyondTheVectorNamesTheModelsDimension) {
  const Engine engine = load_with("tiny-mean");
  const auto too_many = std::to_string(engine.dim() + 1);
  EXPECT_EQ(derive_complaint(engine, {{"dims", too_many.c_str()}}),
            "option dims: got " + too_many + ", expected 1 to " + std::to_string(engine.dim()) +
                ", the dimensions of this model's vectors");
  EXPECT_EQ(engine.derive(options_of({{"dims", "5"}})).dim(), 5);
}

TEST(EngineOptions, LayersBeyondTheNetworkAreRefused) {
  EXPECT_NE(derive_complaint(load_with("tiny-mean"), {{"layers", "99"}}).find("got layer 99"), std::string::npos);
}

TEST(EngineOptions, ConcatenatedLayersWidenTheVector) {
  const Engine engine = load_with("tiny-mean");
  const int64_t dim = engine.dim();
  EXPECT_EQ(engine.derive(options_of({{"layers", "-2:-1"}, {"layer_op", "concat"}})).dim(), 2 * dim);
  EXPECT_EQ(engine.derive(options_of({{"layers", "-2:-1"}})).dim(), dim);
}

TEST(EngineOptions, LastLayerByNumberIsTheDefault) {
  const Engine engine = load_with("tiny-dense");
  const auto last = std::to_string(info_of(engine)["layers"].get<int>());
  EXPECT_TRUE(
      same_bits(vector_of(engine.derive(options_of({{"layers", last.c_str()}})), "stone"), vector_of(engine, "stone")));
}

TEST(EngineOptions, OtherLayersLeaveTheDenseHeadAndSaySo) {
  const Engine engine = load_with("tiny-dense");
  const Engine layers = engine.derive(options_of({{"layers", "-2"}}));
  EXPECT_EQ(layers.dim(), info_of(engine)["hidden"].get<int64_t>());
  EXPECT_EQ(info_of(layers)["notes"][0], "The model's Dense head does not apply with layers=-2.");
  EXPECT_TRUE(info_of(engine)["notes"].empty());
}

TEST(EngineOptions, LoadTimeOptionsMayBeRepeatedButNotChanged) {
  const Engine engine = load_with("tiny-mean", {{"dtype", "f32"}});
  EXPECT_NO_THROW(engine.derive(options_of({{"device", "cpu"}, {"dtype", "f32"}})));
  try {
    engine.derive(options_of({{"dtype", "int8"}}));
    FAIL() << "weights in f32 were taken for int8";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "option dtype: got int8, but the model was loaded as f32; load it again");
  }
}

TEST(EnginePrompts, DefaultPromptAppliesAndAnEmptyPromptTurnsItOff) {
  const Engine engine = load_with("tiny-prompts");
  const Engine bare = engine.derive(options_of({{"prompt", ""}}));
  Encoding with_default, by_hand, without;
  engine.tokenize("stone", with_default);
  bare.tokenize("search for: stone", by_hand);
  bare.tokenize("stone", without);
  EXPECT_EQ(with_default.ids, by_hand.ids);
  EXPECT_LT(without.ids.size(), with_default.ids.size());
}

TEST(EnginePrompts, NameTakesTheModelsPromptAndPromptWinsOverName) {
  const Engine engine = load_with("tiny-prompts");
  Encoding named, by_text, both;
  engine.derive(options_of({{"prompt_name", "store"}})).tokenize("stone", named);
  engine.derive(options_of({{"prompt", "store: "}})).tokenize("stone", by_text);
  const Engine wins = engine.derive(options_of({{"prompt", "store: "}, {"prompt_name", "search"}}));
  wins.tokenize("stone", both);
  EXPECT_EQ(named.ids, by_text.ids);
  EXPECT_EQ(both.ids, by_text.ids);
  EXPECT_EQ(info_of(wins)["notes"][0], "prompt_name=search is not used: prompt wins over it.");
}

TEST(EnginePrompts, UnknownNameListsTheKnownOnes) {
  EXPECT_EQ(derive_complaint(load_with("tiny-prompts"), {{"prompt_name", "serach"}}),
            "option prompt_name: got \"serach\", expected one of this model's prompts: document, query, search, store");
}

TEST(EnginePrompts, ExcludedPromptChangesPoolingButNotTokens) {
  const Engine engine = load_with("tiny-prompts");
  const Engine bare = engine.derive(options_of({{"prompt", ""}}));
  const Result excluded = embed(engine, {"stone"});
  const Result included = embed(bare, {"search for: stone"});
  EXPECT_EQ(excluded.tokens, included.tokens);
  EXPECT_FALSE(same_bits(excluded.data, included.data));
}

TEST(EngineDerive, SharesTheWeightsAndOutlivesItsParent) {
  std::vector<float> expected;
  std::unique_ptr<Engine> child;
  {
    const Engine parent = load_with("tiny-mean");
    expected = vector_of(parent, "river");
    child = std::make_unique<Engine>(parent.derive(Options()));
  }
  EXPECT_TRUE(same_bits(vector_of(*child, "river"), expected));
}

TEST(EngineDerive, UnsetOptionsFallBackToTheModelNotToTheParent) {
  const Engine cut = load_with("tiny-mean", {{"dims", "4"}});
  EXPECT_EQ(cut.dim(), 4);
  EXPECT_GT(cut.derive(Options()).dim(), 4);
}

TEST(EngineInfo, SaysWhatIsInForce) {
  const nlohmann::json config = nlohmann::json::parse(std::ifstream(data_path("tiny-mean") + "/config.json"));
  const Engine engine =
      load_with("tiny-mean", {{"dtype", "f32"}, {"threads", "3"}, {"batch_tokens", "77"}, {"dims", "8"}});
  const nlohmann::json info = info_of(engine);
  EXPECT_EQ(info["model"], data_path("tiny-mean"));
  EXPECT_EQ(info["architecture"], "bert");
  EXPECT_EQ(info["intermediate"], config["intermediate_size"]);
  EXPECT_EQ(info["dim"], 8);
  EXPECT_EQ(info["dims"], 8);
  EXPECT_EQ(info["pooling"], "mean");
  EXPECT_EQ(info["normalize"], true);
  EXPECT_EQ(info["device"], "cpu");
  EXPECT_EQ(info["dtype"], "f32");
  EXPECT_EQ(info["threads"], 3);
  EXPECT_EQ(info["batch_tokens"], 77);
  EXPECT_EQ(info["layers_selected"], nlohmann::json({info["layers"].get<int>()}));
  EXPECT_GT(info["parameters"].get<int64_t>(), 1000);
  EXPECT_EQ(info["weights_bytes"].get<int64_t>(), info["parameters"].get<int64_t>() * 4);
  EXPECT_GT(info["estimated_memory_bytes"].get<int64_t>(), info["weights_bytes"].get<int64_t>());
  EXPECT_FALSE(info["isa"].get<std::string>().empty());
}

TEST(EngineInfo, LowerPrecisionNeedsLessMemoryByItsProducts) {
  int64_t needed[3];
  nlohmann::json info;
  for (int i = 0; i < 3; ++i) {
    const char* dtype = std::array{"int8", "bf16", "f32"}[static_cast<size_t>(i)];
    const Engine engine = load_with("tiny-mean", {{"dtype", dtype}, {"threads", "1"}});
    info = info_of(engine);
    needed[i] = info["estimated_memory_bytes"].get<int64_t>();
  }
  const int64_t hidden = info["hidden"].get<int64_t>();
  const int64_t in_products =
      info["layers"].get<int64_t>() * hidden * (4 * hidden + 2 * info["intermediate"].get<int64_t>());
  EXPECT_EQ(needed[1] - needed[0], in_products);
  EXPECT_EQ(needed[2] - needed[1], 2 * in_products);
}

TEST(EngineInfo, PromptThatIsNoUtf8StillGivesJson) {
  const Engine engine = load_with("tiny-mean", {{"prompt", "\xff\xfe"}});
  EXPECT_NO_THROW(info_of(engine));
}

TEST(EngineLoad, MissingModelNamesItAndIsAnIoError) {
  try {
    Engine::load("no/such-model", Options());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kIo);
    EXPECT_NE(std::string(error.what()).find("models--no--such-model"), std::string::npos);
  }
}

}  // namespace
}  // namespace emberline
