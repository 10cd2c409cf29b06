// SPDX-License-Identifier: Apache-2.0
#include "engine/options.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace emberline {
namespace {

// What set_option says about a bad pair; fails the test where it says nothing.
std::string complaint(const char* name, const char* value, Code code) {
  Options options;
  try {
    set_option(options, name, value);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << name << "=" << value << " was accepted";
  return "";
}

std::string layers_complaint(const char* text, int64_t num_layers) {
  try {
    resolve_layers(text, num_layers);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << text << " was accepted";
  return "";
}

TEST(OptionTable, NamesAreTheDocumentedOnesInOrder) {
  std::string names;
  for (const OptionSpec& spec : option_table()) names += std::string(spec.name) + " ";
  EXPECT_EQ(names,
            "device dtype cache_dir task layers layer_op pooling normalize dims output ranges activation prompt "
            "prompt_name max_tokens long_text window overlap batch_tokens threads ");
}

TEST(OptionTable, EveryDefaultIsAValidValueAndChangesNothing) {
  for (const OptionSpec& spec : option_table()) {
    if (std::string(spec.name) == "prompt") continue;  // "" turns the default prompt off
    Options options;
    ASSERT_NO_THROW(set_option(options, spec.name, spec.initial)) << spec.name;
    const Options fresh;
    EXPECT_EQ(options.device, fresh.device);
    EXPECT_EQ(options.dtype, fresh.dtype);
    EXPECT_EQ(options.layers, fresh.layers);
    EXPECT_EQ(options.layer_op, fresh.layer_op);
    EXPECT_EQ(options.long_text, fresh.long_text);
    EXPECT_EQ(options.overlap, fresh.overlap);
    EXPECT_EQ(options.output, fresh.output);
    EXPECT_FALSE(options.task || options.pooling || options.normalize || options.dims || options.ranges ||
                 options.activation || options.prompt_name || options.max_tokens || options.window ||
                 options.batch_tokens || options.threads)
        << spec.name;
  }
}

TEST(OptionTable, EveryListedChoiceIsAccepted) {
  for (const OptionSpec& spec : option_table()) {
    std::string choices = spec.choices;
    while (!choices.empty()) {
      const size_t comma = choices.find(',');
      Options options;
      EXPECT_NO_THROW(set_option(options, spec.name, choices.substr(0, comma))) << spec.name << " " << choices;
      choices = comma == std::string::npos ? "" : choices.substr(comma + 1);
    }
  }
}

TEST(SetOption, StoresWhatWasAsked) {
  Options options;
  set_option(options, "layers", "-4:-1");
  set_option(options, "layer_op", "concat");
  set_option(options, "pooling", "weighted_mean");
  set_option(options, "normalize", "false");
  set_option(options, "dims", "256");
  set_option(options, "output", "ubinary");
  set_option(options, "ranges", "ranges.json");
  set_option(options, "activation", "softmax");
  set_option(options, "prompt", "query: ");
  set_option(options, "max_tokens", "128");
  set_option(options, "long_text", "error");
  set_option(options, "window", "64");
  set_option(options, "overlap", "8");
  set_option(options, "batch_tokens", "1024");
  set_option(options, "threads", "3");
  EXPECT_EQ(options.layers, "-4:-1");
  EXPECT_EQ(options.layer_op, LayerOp::kConcat);
  EXPECT_EQ(options.pooling, Pooling::kWeightedMean);
  EXPECT_EQ(options.normalize, false);
  EXPECT_EQ(options.dims, 256);
  EXPECT_EQ(options.output, Output::kUbinary);
  EXPECT_EQ(options.ranges, "ranges.json");
  EXPECT_EQ(options.activation, ScoreActivation::kSoftmax);
  EXPECT_EQ(options.prompt, "query: ");
  EXPECT_EQ(options.max_tokens, 128);
  EXPECT_EQ(options.long_text, LongText::kError);
  EXPECT_EQ(options.window, 64);
  EXPECT_EQ(options.overlap, 8);
  EXPECT_EQ(options.batch_tokens, 1024);
  EXPECT_EQ(options.threads, 3);
}

TEST(SetOption, EmptyPromptIsAPromptAndNotTheDefault) {
  Options options;
  set_option(options, "prompt", "");
  ASSERT_TRUE(options.prompt.has_value());
  EXPECT_EQ(*options.prompt, "");
}

TEST(SetOption, UnknownNameSuggestsTheNearest) {
  EXPECT_NE(complaint("layerop", "mean", Code::kInvalidArgument).find("did you mean layer_op?"), std::string::npos);
  EXPECT_NE(complaint("max_token", "5", Code::kInvalidArgument).find("did you mean max_tokens?"), std::string::npos);
  EXPECT_NE(complaint("Pooling", "5", Code::kInvalidArgument).find("did you mean pooling?"), std::string::npos);
}

TEST(SetOption, NameFarFromAllListsTheKnownOnesWithoutAGuess) {
  const std::string text = complaint("zzzzzzzz", "1", Code::kInvalidArgument);
  EXPECT_EQ(text.find("did you mean"), std::string::npos) << text;
  EXPECT_NE(text.find("batch_tokens"), std::string::npos) << text;
  const std::string endless(100000, 'x');
  EXPECT_LT(complaint(endless.c_str(), "1", Code::kInvalidArgument).size(), 400U);
}

TEST(SetOption, WrongTypeAndRangeNameOptionValueAndWhatIsAllowed) {
  const Code code = Code::kInvalidArgument;
  EXPECT_EQ(complaint("max_tokens", "many", code),
            "option max_tokens: got \"many\", expected an integer from 1 to 1048576");
  EXPECT_EQ(complaint("max_tokens", "0", code), "option max_tokens: got \"0\", expected an integer from 1 to 1048576");
  EXPECT_EQ(complaint("threads", "-1", code),
            "option threads: got \"-1\", expected an integer from 1 to 1024, or auto");
  EXPECT_EQ(complaint("threads", "2.5", code),
            "option threads: got \"2.5\", expected an integer from 1 to 1024, or auto");
  EXPECT_EQ(complaint("batch_tokens", "99999999999999999999", code),
            "option batch_tokens: got \"99999999999999999999\", expected an integer from 1 to 1048576, or auto");
  EXPECT_EQ(complaint("threads", "", code), "option threads: got \"\", expected an integer from 1 to 1024, or auto");
  EXPECT_EQ(complaint("dims", " 5", code), "option dims: got \" 5\", expected an integer from 1 to 16777216");
  EXPECT_EQ(complaint("normalize", "yes", code), "option normalize: got \"yes\", expected true or false");
  EXPECT_EQ(complaint("layer_op", "avg", code), "option layer_op: got \"avg\", expected one of mean, sum, concat, max");
  EXPECT_EQ(complaint("pooling", "median", code),
            "option pooling: got \"median\", expected one of mean, cls, max, last, weighted_mean, mean_sqrt_len");
  EXPECT_EQ(complaint("device", "gpu", code), "option device: got \"gpu\", expected one of auto, cpu");
}

TEST(SetOption, DocumentedValuesBeyondThisBuildAreUnsupportedAndNeverIgnored) {
  const Code code = Code::kUnsupported;
  EXPECT_EQ(complaint("device", "cuda", code),
            "option device: cuda is not supported: this build has no CUDA; it runs on auto, cpu");
  complaint("device", "cuda:1", code);
  EXPECT_EQ(complaint("dtype", "f16", code),
            "option dtype: f16 is not supported: this build computes in auto, f32, bf16, int8");
  complaint("dtype", "fp8", code);
  EXPECT_NE(complaint("pooling", "none", code).find("one vector a row"), std::string::npos);
}

TEST(SetOption, FailureLeavesTheOptionAsItWas) {
  Options options;
  set_option(options, "max_tokens", "64");
  EXPECT_THROW(set_option(options, "max_tokens", "x"), Error);
  EXPECT_EQ(options.max_tokens, 64);
}

TEST(SetOption, LayersThatFollowNoGrammarAreRefusedBeforeAModelIsKnown) {
  for (const char* text : {"", "last", "1,", ",1", "1::2", "-", "1-3", "1.0", "all,1"}) {
    EXPECT_NE(complaint("layers", text, Code::kInvalidArgument).find("-4:-1"), std::string::npos) << text;
  }
}

TEST(ResolveLayers, CountsFromTheEndAndIncludesBothEnds) {
  EXPECT_EQ(resolve_layers("-1", 6), (std::vector<int64_t>{6}));
  EXPECT_EQ(resolve_layers("-4:-1", 6), (std::vector<int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(resolve_layers("1,6,12", 12), (std::vector<int64_t>{1, 6, 12}));
  EXPECT_EQ(resolve_layers("all", 3), (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(resolve_layers("-7", 6), (std::vector<int64_t>{0}));
  EXPECT_EQ(resolve_layers("0:1,-1", 6), (std::vector<int64_t>{0, 1, 6}));
}

TEST(ResolveLayers, KeepsTheOrderOfTheText) {
  EXPECT_EQ(resolve_layers("-1,-2", 6), (std::vector<int64_t>{6, 5}));
}

TEST(ResolveLayers, OutOfRangeNamesTheValidRange) {
  EXPECT_EQ(
      layers_complaint("7", 6),
      "option layers: got layer 7 in \"7\", expected -7 to 6 (0 is the embeddings' output, 6 or -1 the last layer)");
  EXPECT_NE(layers_complaint("-8:-1", 6).find("expected -7 to 6"), std::string::npos);
  EXPECT_NE(layers_complaint("1:900000000000", 6).find("expected -7 to 6"), std::string::npos);
}

TEST(ResolveLayers, BackwardRangesAndRepeatedLayersAreRefused) {
  EXPECT_NE(layers_complaint("-1:-4", 6).find("its first layer before its last"), std::string::npos);
  EXPECT_NE(layers_complaint("6,-1", 6).find("layer 6 twice"), std::string::npos);
}

}  // namespace
}  // namespace emberline
