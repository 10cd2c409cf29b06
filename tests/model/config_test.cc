// SPDX-License-Identifier: Apache-2.0
#include "model/config.h"

#include <gtest/gtest.h>

#include <random>

#include "model/expect_error.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

using Files = std::map<std::string, std::string>;

const Files kGoodModel = {
    {"config.json",
     R"({"model_type":"bert","vocab_size":100,"hidden_size":24,"num_hidden_layers":3,"num_attention_heads":4,
      "intermediate_size":48,"max_position_embeddings":64,"type_vocab_size":2,"layer_norm_eps":1e-5,"hidden_act":"gelu"})"},
    {"modules.json", R"([{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
      {"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
      {"idx":2,"name":"2","path":"2_Dense","type":"sentence_transformers.base.modules.dense.Dense"},
      {"idx":3,"name":"3","path":"3_Normalize","type":"sentence_transformers.models.Normalize"}])"},
    {"1_Pooling/config.json", R"({"word_embedding_dimension":24,"pooling_mode_mean_tokens":true})"},
    {"2_Dense/config.json", R"({"in_features":24,"out_features":10,"bias":true,
      "activation_function":"torch.nn.modules.activation.Tanh"})"},
    {"sentence_bert_config.json", R"({"max_seq_length":32,"do_lower_case":false})"},
    {"config_sentence_transformers.json", R"({"prompts":{"query":"query: "},"default_prompt_name":null})"},
    {"tokenizer_config.json", R"({"model_max_length":48})"},
};

ModelConfig read_directory(const Files& changes, const std::vector<std::string>& without = {}) {
  const TemporaryDirectory directory;
  Files files = kGoodModel;
  for (const auto& [name, text] : changes) files[name] = text;
  for (const std::string& name : without) files.erase(name);
  for (const auto& [name, text] : files) directory.write(name, text);
  return read_model_config(directory.path());
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Files changed(const std::string& file, const std::string& from, const std::string& to) {
  return {{file, with(kGoodModel.at(file), from, to)}};
}

TEST(ConfigTest, EveryFieldArrives) {
  const ModelConfig config = read_directory({});
  EXPECT_EQ(config.network.model_type, "bert");
  EXPECT_EQ(config.network.vocab_size, 100);
  EXPECT_EQ(config.network.hidden_size, 24);
  EXPECT_EQ(config.network.num_hidden_layers, 3);
  EXPECT_EQ(config.network.num_attention_heads, 4);
  EXPECT_EQ(config.network.intermediate_size, 48);
  EXPECT_EQ(config.network.max_position_embeddings, 64);
  EXPECT_EQ(config.network.type_vocab_size, 2);
  EXPECT_EQ(config.network.layer_norm_eps, 1e-5F);
  EXPECT_EQ(config.network.head_dim(), 6);
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_EQ(config.max_tokens, 32);
  EXPECT_TRUE(config.include_prompt);
  EXPECT_FALSE(config.lower_case_first);
  EXPECT_EQ(config.prompts.at("query"), "query: ");
  EXPECT_EQ(config.prompts.at("document"), "");
  EXPECT_FALSE(config.default_prompt_name.has_value());
  ASSERT_EQ(config.head.size(), 2U);
  EXPECT_EQ(config.head[0].kind, HeadStep::Kind::kDense);
  EXPECT_EQ(config.head[0].in_features, 24);
  EXPECT_EQ(config.head[0].out_features, 10);
  EXPECT_EQ(config.head[0].activation, Activation::kTanh);
  EXPECT_EQ(config.head[1].kind, HeadStep::Kind::kNormalize);
  EXPECT_TRUE(config.warnings.empty());
}

TEST(ConfigTest, WithoutModulesItIsMeanPoolingAloneAndNoOtherFileCounts) {
  const ModelConfig config = read_directory({}, {"modules.json"});
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_TRUE(config.head.empty());
  EXPECT_EQ(config.max_tokens, 48);  // the tokenizer's, as sentence_bert_config.json belongs to modules.json
  EXPECT_EQ(config.prompts.at("query"), "");
}

TEST(ConfigTest, KeysThatAreLeftOutTakeTheFamilysValues) {
  const ModelConfig config =
      read_directory({{"config.json", R"({"model_type":"bert","hidden_act":null})"}}, {"modules.json"});
  EXPECT_EQ(config.network.vocab_size, 30522);
  EXPECT_EQ(config.network.hidden_size, 768);
  EXPECT_EQ(config.network.hidden_act, Activation::kGelu);
  EXPECT_EQ(config.network.layer_norm_eps, 1e-12F);
}

TEST(ConfigTest, TransformerMayLieInAFolder) {
  Files files = changed("modules.json", R"("path":"")", R"("path":"0_Transformer")");
  files["0_Transformer/config.json"] = kGoodModel.at("config.json");
  files["0_Transformer/sentence_bert_config.json"] = R"({"max_seq_length":17})";
  const ModelConfig config = read_directory(files, {"config.json", "sentence_bert_config.json"});
  EXPECT_EQ(config.network_directory.filename(), "0_Transformer");
  EXPECT_EQ(config.max_tokens, 17);
}

TEST(ConfigTest, EveryActivationNameOfTheReferenceIsKnown) {
  const std::pair<const char*, Activation> names[] = {{"gelu", Activation::kGelu},
                                                      {"gelu_python", Activation::kGelu},
                                                      {"gelu_new", Activation::kGeluTanh},
                                                      {"gelu_fast", Activation::kGeluTanh},
                                                      {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                                      {"quick_gelu", Activation::kQuickGelu},
                                                      {"relu", Activation::kRelu},
                                                      {"silu", Activation::kSilu},
                                                      {"swish", Activation::kSilu},
                                                      {"tanh", Activation::kTanh}};
  for (const auto& [name, activation] : names) {
    EXPECT_EQ(read_directory(changed("config.json", R"("gelu")", message("\"{}\"", name))).network.hidden_act,
              activation);
  }
  const std::pair<const char*, Activation> dense[] = {{"torch.nn.modules.linear.Identity", Activation::kNone},
                                                      {"torch.nn.modules.activation.GELU", Activation::kGelu},
                                                      {"torch.nn.modules.activation.ReLU", Activation::kRelu},
                                                      {"torch.nn.modules.activation.SiLU", Activation::kSilu},
                                                      {"torch.nn.Tanh", Activation::kTanh}};
  for (const auto& [name, activation] : dense) {
    const ModelConfig config = read_directory(changed("2_Dense/config.json", "torch.nn.modules.activation.Tanh", name));
    EXPECT_EQ(config.head[0].activation, activation) << name;
  }
}

TEST(ConfigTest, EveryPoolingOfBothSpellingsIsKnown) {
  const std::tuple<const char*, const char*, Pooling> names[] = {
      {"cls", "pooling_mode_cls_token", Pooling::kCls},
      {"max", "pooling_mode_max_tokens", Pooling::kMax},
      {"mean", "pooling_mode_mean_tokens", Pooling::kMean},
      {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
      {"weightedmean", "pooling_mode_weightedmean_tokens", Pooling::kWeightedMean},
      {"lasttoken", "pooling_mode_lasttoken", Pooling::kLast}};
  for (const auto& [mode, key, pooling] : names) {
    EXPECT_EQ(read_directory({{"1_Pooling/config.json", message(R"({"pooling_mode":"{}"})", mode)}}).pooling, pooling);
    EXPECT_EQ(read_directory({{"1_Pooling/config.json", message(R"({"{}":true})", key)}}).pooling, pooling);
    EXPECT_EQ(read_directory({{"1_Pooling/config.json", message(R"({"pooling_mode":["{}"]})", mode)}}).pooling,
              pooling);
  }
  EXPECT_EQ(read_directory({{"1_Pooling/config.json", R"({"pooling_mode_cls_token":false})"}}).pooling, Pooling::kMean);
  EXPECT_FALSE(read_directory({{"1_Pooling/config.json", R"({"include_prompt":false})"}}).include_prompt);
}

TEST(ConfigTest, TokenLimitFollowsTheReference) {
  const auto limit = [](const Files& files, const std::vector<std::string>& without = {}) {
    return read_directory(files, without).max_tokens;
  };
  EXPECT_EQ(limit({{"sentence_bert_config.json", R"({"max_seq_length":null})"}}), 48);
  EXPECT_EQ(limit({{"sentence_bert_config.json", R"({"tokenizer_args":{"model_max_length":40},"max_seq_length":32})"}}),
            40);
  EXPECT_EQ(limit({}, {"sentence_bert_config.json"}), 48);
  EXPECT_EQ(limit({}, {"sentence_bert_config.json", "tokenizer_config.json"}), 64);
  const Files huge = {{"tokenizer_config.json", R"({"model_max_length":1000000000000000019884624838656})"}};
  EXPECT_EQ(limit(huge, {"sentence_bert_config.json"}), 64);
  EXPECT_EQ(limit({{"tokenizer_config.json", R"({"max_len":20})"}}, {"sentence_bert_config.json"}), 20);
}

TEST(ConfigTest, TokenLimitAboveThePositionsIsCutAndToldOf) {
  const ModelConfig config = read_directory({{"sentence_bert_config.json", R"({"max_seq_length":512})"}});
  EXPECT_EQ(config.max_tokens, 64);
  ASSERT_EQ(config.warnings.size(), 1U);
  EXPECT_NE(config.warnings[0].find("max_seq_length is 512, but the network has 64 positions"), std::string::npos);
}

TEST(ConfigTest, PoolingWidthThatContradictsTheNetworkIsToldOf) {
  const ModelConfig config = read_directory({{"1_Pooling/config.json", R"({"embedding_dimension":999})"}});
  ASSERT_EQ(config.warnings.size(), 1U);
  EXPECT_NE(config.warnings[0].find("999"), std::string::npos);
}

TEST(ConfigTest, PromptsOfNullAreEmpty) {
  const Files files = {
      {"config_sentence_transformers.json", R"({"prompts":{"query":null,"web":"web: "},"default_prompt_name":"web"})"}};
  const ModelConfig config = read_directory(files);
  EXPECT_EQ(config.prompts.at("query"), "");
  EXPECT_EQ(config.default_prompt_name, "web");
}

TEST(ConfigTest, DirectoryThatIsNoModelSaysWhatWasLookedFor) {
  const TemporaryDirectory directory;
  expect_error(Code::kIo, {directory.path().string(), "not a model", "config.json", "modules.json"},
               [&] { read_model_config(directory.path()); });
  expect_error(Code::kIo, {"no/such/place: no such directory"}, [&] { read_model_config("no/such/place"); });
  directory.write("file", "");
  expect_error(Code::kIo, {"is a file, expected the directory of a model"},
               [&] { read_model_config(directory.path() / "file"); });
  directory.write("modules.json", kGoodModel.at("modules.json"));
  directory.write("1_Pooling/config.json", kGoodModel.at("1_Pooling/config.json"));
  directory.write("2_Dense/config.json", kGoodModel.at("2_Dense/config.json"));
  expect_error(Code::kIo, {"config.json is missing"}, [&] { read_model_config(directory.path()); });
}

TEST(ConfigTest, MissingModuleFileIsNamed) {
  expect_error(Code::kIo, {"1_Pooling/config.json"}, [] { read_directory({}, {"1_Pooling/config.json"}); });
  expect_error(Code::kIo, {"2_Dense/config.json"}, [] { read_directory({}, {"2_Dense/config.json"}); });
}

struct BadConfig {
  const char* name;
  const char* file;
  std::string from;
  std::string to;
  Code code;
  std::vector<std::string> message;
};

class BadConfigs : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigs, AreRefusedByFileKeyAndValue) {
  const BadConfig& bad = GetParam();
  std::vector<std::string> parts = bad.message;
  parts.emplace_back(bad.file);
  const Files files = bad.from.empty() ? Files{{bad.file, bad.to}} : changed(bad.file, bad.from, bad.to);
  expect_error(bad.code, parts, [&] { read_directory(files); });
}

constexpr const char* kNetwork = "config.json";
constexpr const char* kModules = "modules.json";
constexpr const char* kPool = "1_Pooling/config.json";
constexpr const char* kDenseFile = "2_Dense/config.json";
constexpr const char* kBert = "sentence_bert_config.json";
constexpr const char* kSentence = "config_sentence_transformers.json";
const std::string kPoolingEntry =
    R"({"idx":1,"name":"1","path":"1_Pooling","type":"sentence_transformers.models.Pooling"})";

const BadConfig kBadConfigs[] = {
    {"NoJson", kNetwork, "", "{", Code::kFormat, {"not valid JSON"}},
    {"NoObject", kNetwork, "", "[]", Code::kFormat, {"got [], expected an object"}},
    {"NoModelType", kNetwork, "", "{}", Code::kFormat, {"model_type is missing", "supported: bert"}},
    {"OtherFamily",
     kNetwork,
     R"("bert")",
     R"("mamba")",
     Code::kUnsupported,
     {"model_type: got \"mamba\", supported: bert"}},
    {"ModelTypeThatIsNoText", kNetwork, R"("bert")", "5", Code::kFormat, {"model_type: got 5, expected a text"}},
    {"TextForANumber",
     kNetwork,
     "24",
     R"("24")",
     Code::kFormat,
     {"hidden_size: got \"24\", expected an integer from 1"}},
    {"Negative", kNetwork, "24", "-24", Code::kFormat, {"hidden_size: got -24"}},
    {"Zero",
     kNetwork,
     R"("num_hidden_layers":3)",
     R"("num_hidden_layers":0)",
     Code::kFormat,
     {"num_hidden_layers: got 0"}},
    {"NoHeads",
     kNetwork,
     R"("num_attention_heads":4)",
     R"("num_attention_heads":0)",
     Code::kFormat,
     {"num_attention_heads: got 0"}},
    {"HeadsThatDoNotDivide",
     kNetwork,
     R"("num_attention_heads":4)",
     R"("num_attention_heads":5)",
     Code::kFormat,
     {"hidden_size 24 is not a multiple of num_attention_heads 5"}},
    {"Absurd", kNetwork, "100", "1000000000000000000", Code::kFormat, {"vocab_size: got 1000000000000000000"}},
    {"AbsurdFloat", kNetwork, "100", "1e18", Code::kFormat, {"vocab_size: got 1e+18, expected an integer"}},
    {"BeyondInt64", kNetwork, "100", "18446744073709551615", Code::kFormat, {"vocab_size: got 18446744073709551615"}},
    {"Fraction", kNetwork, "48", "48.5", Code::kFormat, {"intermediate_size: got 48.5"}},
    {"ZeroEps", kNetwork, "1e-5", "0", Code::kFormat, {"layer_norm_eps: got 0"}},
    {"EpsThatIsNoNumber", kNetwork, "1e-5", "true", Code::kFormat, {"layer_norm_eps: got true, expected a number"}},
    {"UnknownActivation",
     kNetwork,
     R"("gelu")",
     R"("mish")",
     Code::kUnsupported,
     {"hidden_act: got \"mish\"", "gelu_new"}},
    {"RelativePositions",
     kNetwork,
     R"("hidden_act")",
     R"("position_embedding_type":"relative_key","hidden_act")",
     Code::kUnsupported,
     {"position_embedding_type: got \"relative_key\", supported: \"absolute\""}},
    {"Decoder",
     kNetwork,
     R"("hidden_act")",
     R"("is_decoder":true,"hidden_act")",
     Code::kUnsupported,
     {"is_decoder: got true"}},
    {"Quantized",
     kNetwork,
     R"("hidden_act")",
     R"("quantization_config":{},"hidden_act")",
     Code::kUnsupported,
     {"quantization_config"}},
    {"ModulesThatAreNoList", kModules, "", "{}", Code::kFormat, {"got {}, expected an array"}},
    {"NoModules", kModules, "", "[]", Code::kFormat, {"lists no module"}},
    {"ModuleWithoutType", kModules, "", R"([{"path":""}])", Code::kFormat, {"0: key type is missing"}},
    {"UnknownModule",
     kModules,
     "sentence_transformers.models.Normalize",
     "sentence_transformers.models.CNN",
     Code::kUnsupported,
     {"3: type: got \"sentence_transformers.models.CNN\"", "Transformer, Pooling, Dense, Normalize"}},
    {"ForeignModule",
     kModules,
     "sentence_transformers.models.Normalize",
     "mine.Normalize",
     Code::kUnsupported,
     {"got \"mine.Normalize\""}},
    {"PathThatClimbs",
     kModules,
     R"("path":"1_Pooling")",
     R"("path":"../1_Pooling")",
     Code::kFormat,
     {"1: path: got \"../1_Pooling\", expected a path below the model"}},
    {"AbsolutePath", kModules, R"("path":"1_Pooling")", R"("path":"/etc")", Code::kFormat, {"1: path: got \"/etc\""}},
    {"NoPooling", kModules, kPoolingEntry + ",", "", Code::kUnsupported, {"a Dense follows Pooling"}},
    {"TwoPoolings",
     kModules,
     kPoolingEntry,
     kPoolingEntry + "," + kPoolingEntry,
     Code::kUnsupported,
     {"one Pooling follows the Transformer"}},
    {"TransformerAlone",
     kModules,
     "",
     R"([{"path":"","type":"sentence_transformers.models.Transformer"}])",
     Code::kUnsupported,
     {"no Pooling among the modules"}},
    {"UnknownPooling",
     kPool,
     "",
     R"({"pooling_mode":"median"})",
     Code::kFormat,
     {"pooling_mode: got \"median\"", "weightedmean"}},
    {"TwoPoolingModes",
     kPool,
     "",
     R"({"pooling_mode_cls_token":true,"pooling_mode_max_tokens":true})",
     Code::kUnsupported,
     {"got 2 pooling modes at once, expected one"}},
    {"PoolingFlagThatIsNoBoolean",
     kPool,
     "",
     R"({"pooling_mode_cls_token":1})",
     Code::kFormat,
     {"pooling_mode_cls_token: got 1, expected true or false"}},
    {"DenseWithoutWidth", kDenseFile, "", R"({"in_features":24})", Code::kFormat, {"key out_features is missing"}},
    {"DenseThatDoesNotFit", kDenseFile, "24", "25", Code::kFormat, {"in_features: got 25, expected 24"}},
    {"UnknownDenseActivation",
     kDenseFile,
     "torch.nn.modules.activation.Tanh",
     "mine.Act",
     Code::kUnsupported,
     {"activation_function: got \"mine.Act\"", "torch.nn.modules.activation.Tanh"}},
    {"DenseOfOtherFeatures",
     kDenseFile,
     R"("bias")",
     R"("module_input_name":"token_embeddings","bias")",
     Code::kUnsupported,
     {"module_input_name: got \"token_embeddings\""}},
    {"LimitOfZero", kBert, "32", "0", Code::kFormat, {"max_seq_length: got 0"}},
    {"LimitThatIsNoNumber", kBert, "32", R"("32")", Code::kFormat, {"max_seq_length: got \"32\""}},
    {"OtherTask",
     kBert,
     "",
     R"({"transformer_task":"fill-mask"})",
     Code::kUnsupported,
     {"transformer_task: got \"fill-mask\""}},
    {"OtherOutput",
     kBert,
     "",
     R"({"modality_config":{"text":{"method":"forward","method_output_name":"pooler_output"}}})",
     Code::kUnsupported,
     {"modality_config: text: method_output_name: got \"pooler_output\""}},
    {"ImageModel", kBert, "", R"({"modality_config":{"image":{}}})", Code::kFormat, {"key text is missing"}},
    {"OtherKindOfModel",
     kSentence,
     "",
     R"({"model_type":"SparseEncoder"})",
     Code::kUnsupported,
     {"model_type: got \"SparseEncoder\""}},
    {"PromptThatIsNoText", kSentence, "", R"({"prompts":{"query":1}})", Code::kFormat, {"prompts: query: got 1"}},
    {"UnknownDefaultPrompt",
     kSentence,
     "",
     R"({"default_prompt_name":"web"})",
     Code::kFormat,
     {"default_prompt_name: got \"web\", expected the name of one of its prompts"}},
};

INSTANTIATE_TEST_SUITE_P(Config, BadConfigs, testing::ValuesIn(kBadConfigs),
                         [](const auto& test) { return std::string(test.param.name); });

// Any change of any file either is read or is refused by an Error.
TEST(ConfigTest, DamagedFilesNeverCrash) {
  std::mt19937 random(11);
  std::vector<std::string> names;
  for (const auto& [name, text] : kGoodModel) names.push_back(name);
  const std::string pieces[] = {"null", "-1", "1e400",  "[]", "{}", "\"\"", "99999999999999999999",
                                "true", ",",  "\\u0000"};
  const TemporaryDirectory directory;
  for (const auto& [name, text] : kGoodModel) directory.write(name, text);
  int refused = 0;
  int accepted = 0;
  for (int round = 0; round < 800; ++round) {
    const std::string& name = names[random() % names.size()];
    std::string text = kGoodModel.at(name);
    for (unsigned i = 0; i <= random() % 3; ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.insert(at, pieces[random() % std::size(pieces)]); break;
        case 2: text.erase(at, 1 + random() % 5); break;
        default: text.replace(at, text.find_first_of(",}", at) - at, pieces[random() % std::size(pieces)]); break;
      }
      if (text.empty()) text.assign(1, ' ');
    }
    directory.write(name, text);
    try {
      const ModelConfig config = read_model_config(directory.path());
      EXPECT_GT(config.max_tokens, 0);
      EXPECT_EQ(config.network.hidden_size % config.network.num_attention_heads, 0);
      ++accepted;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()), "");
      ++refused;
    }
    directory.write(name, kGoodModel.at(name));
  }
  EXPECT_GT(refused, 200);
  EXPECT_GT(accepted, 50);
}

}  // namespace
}  // namespace emberline
