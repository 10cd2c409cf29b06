// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "model/expect_error.h"
#include "model/golden.h"
#include "model/safetensors_file.h"

namespace emberline {
namespace {

const std::string kTwoTensors =
    R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}})";
const std::string kFourteen(14, 'x');

struct BadFile {
  const char* name;
  std::string bytes;
  std::vector<std::string> message;
};

class BadSafetensors : public testing::TestWithParam<BadFile> {};

TEST_P(BadSafetensors, IsRefusedByAMessageThatSaysWhy) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", GetParam().bytes);
  std::vector<std::string> parts = GetParam().message;
  parts.push_back((directory.path() / "model.safetensors").string());
  expect_error(Code::kFormat, parts, [&] { Weights::open(directory.path()); });
}

std::string one(const std::string& spec, size_t data_bytes) {
  return safetensors(message(R"({"t":{}})", spec), std::string(data_bytes, 'x'));
}

const BadFile kBadFiles[] = {
    {"Empty", "", {"got 0 bytes, expected at least 8"}},
    {"ShorterThanTheLength", "abc", {"got 3 bytes"}},
    {"HeaderLongerThanTheFile",
     length_prefix(100) + "{}",
     {"header of 100 bytes does not fit into the file of 10 bytes"}},
    {"HeaderLengthThatWrapsAround", length_prefix(~uint64_t{0}) + "{}", {"header of 18446744073709551615 bytes"}},
    {"NotASafetensorsFile", "PK\x03\x04 a zip archive", {"not a safetensors file"}},
    {"HeaderThatIsNoJson", safetensors("{\"a\":", ""), {"not valid JSON"}},
    {"HeaderThatIsNoObject", safetensors("[1]", ""), {"got [1], expected an object"}},
    {"EmptyHeader", safetensors("", ""), {"not valid JSON"}},
    {"InvalidUtf8InAName", safetensors("{\"\xff\":1}", ""), {"not valid JSON"}},
    {"DeepNesting", safetensors(std::string(100000, '['), ""), {"nested deeper than 64 levels"}},
    {"NameTwice",
     safetensors(
         R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
         "xx"),
     {"key a stands twice"}},
    {"MetadataThatIsNoObject", safetensors(R"({"__metadata__":3})", ""), {"__metadata__: got 3, expected an object"}},
    {"TensorThatIsNoObject", one("7", 0), {"t: got 7, expected an object"}},
    {"NoDType", one(R"({"shape":[1],"data_offsets":[0,4]})", 4), {"t: key dtype is missing"}},
    {"NoShape", one(R"({"dtype":"F32","data_offsets":[0,4]})", 4), {"t: key shape is missing"}},
    {"NoOffsets", one(R"({"dtype":"F32","shape":[1]})", 4), {"t: key data_offsets is missing"}},
    {"UnknownDType", one(R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})", 4), {"dtype: got \"F33\""}},
    {"DTypeThatIsNoText",
     one(R"({"dtype":32,"shape":[1],"data_offsets":[0,4]})", 4),
     {"dtype: got 32, expected a text"}},
    {"NegativeExtent", one(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4), {"shape: 0: got -1"}},
    {"FractionalExtent", one(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})", 4), {"shape: 0: got 1.5"}},
    {"ExtentBeyondInt64",
     one(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]})", 4),
     {"shape: 0: got 18446744073709551615"}},
    {"ShapeWhoseProductOverflows",
     one(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]})", 4),
     {"shape [4294967296, 4294967296] has more elements than memory can hold"}},
    {"TooManyDimensions",
     one(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]})", 1),
     {"expected at most 16 dimensions"}},
    {"OffsetsOutsideTheFile",
     one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4),
     {"data_offsets [0, 8] leave the file, which holds 4 bytes of data"}},
    {"OffsetsRunningBackwards",
     one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4),
     {"[4, 0] run backwards"}},
    {"NegativeOffset", one(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})", 4), {"data_offsets: 0: got -4"}},
    {"ThreeOffsets", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,2,4]})", 4), {"expected two offsets"}},
    {"ShapeThatDoesNotMatchTheOffsets",
     one(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,8]})", 8),
     {"F32 of shape [2, 3] needs 24 bytes, but data_offsets [0, 8] give 8"}},
    {"DTypeThatDoesNotMatchTheOffsets",
     one(R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})", 8),
     {"F16 of shape [2] needs 4 bytes"}},
    {"HalfAByte", one(R"({"dtype":"F4","shape":[3],"data_offsets":[0,1]})", 1), {"does not fill whole bytes"}},
    {"Overlap",
     safetensors(
         R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
         "123456"),
     {"tensors a and b overlap: the first ends at 4, the second begins at 2"}},
    {"Hole",
     safetensors(
         R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})",
         "123456"),
     {"2 bytes between a and b belong to no tensor"}},
    {"CutShort", safetensors(kTwoTensors, kFourteen.substr(1)), {"b: data_offsets [8, 14] leave the file"}},
    {"BytesAfterTheLastTensor",
     safetensors(kTwoTensors, kFourteen + "y"),
     {"tensors end at byte 14 of the data, which has 15"}},
};

INSTANTIATE_TEST_SUITE_P(Weights, BadSafetensors, testing::ValuesIn(kBadFiles),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(WeightsTest, TensorsLieWhereTheHeaderSays) {
  const TemporaryDirectory directory;
  std::string data(14, '\0');
  const float values[2] = {1.5F, -2.0F};
  std::memcpy(data.data(), values, 8);
  directory.write("model.safetensors", safetensors(kTwoTensors, data));
  const Weights weights = Weights::open(directory.path());
  float read[2];
  std::memcpy(read, weights.get("a", {2}).data, 8);
  EXPECT_EQ(read[0], 1.5F);
  EXPECT_EQ(read[1], -2.0F);
  EXPECT_EQ(weights.get("b", {3}).dtype, DType::kBF16);
  EXPECT_EQ(weights.total_bytes(), 14);
  EXPECT_TRUE(weights.has("a"));
  EXPECT_FALSE(weights.has("c"));
}

TEST(WeightsTest, MissingTensorIsNamedWithTheShapeThatWasAskedFor) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", safetensors(kTwoTensors, kFourteen));
  const Weights weights = Weights::open(directory.path());
  expect_error(Code::kFormat, {"tensor pooler.weight of shape [2, 3] is missing", "model.safetensors"},
               [&] { weights.get("pooler.weight", {2, 3}); });
}

TEST(WeightsTest, WrongShapeIsNamedBesideTheExpectedOne) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", safetensors(kTwoTensors, kFourteen));
  const Weights weights = Weights::open(directory.path());
  expect_error(Code::kFormat, {"tensor a has shape [2], expected [2, 1]"}, [&] { weights.get("a", {2, 1}); });
}

TEST(WeightsTest, TensorsOfOtherDTypesDoNotHinderUntilAskedFor) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", one(R"({"dtype":"I64","shape":[1],"data_offsets":[0,8]})", 8));
  const Weights weights = Weights::open(directory.path());
  EXPECT_EQ(weights.total_bytes(), 0);
  expect_error(Code::kUnsupported, {"tensor t has dtype I64, expected F32, F16 or BF16"},
               [&] { weights.get("t", {1}); });
}

TEST(WeightsTest, DirectoryWithoutWeightsSaysWhatWasLookedFor) {
  const TemporaryDirectory directory;
  expect_error(Code::kIo, {directory.path().string(), "model.safetensors", "model.safetensors.index.json"},
               [&] { Weights::open(directory.path()); });
}

TEST(WeightsTest, PickleIsRefusedWithTheCommandThatConvertsIt) {
  const TemporaryDirectory directory;
  directory.write("pytorch_model.bin", "a pickle");
  expect_error(Code::kUnsupported, {"pytorch_model.bin", "python -c", "weights_only=True", directory.path().string()},
               [&] { Weights::open(directory.path()); });
}

class ShardsTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_.write("one.safetensors",
                     safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
    directory_.write("two.safetensors",
                     safetensors(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
  }
  void index(const std::string& map) {
    directory_.write("model.safetensors.index.json", message(R"({"weight_map":{}})", map));
  }
  void expect_refused(Code code, const std::vector<std::string>& parts) {
    expect_error(code, parts, [&] { Weights::open(directory_.path()); });
  }
  TemporaryDirectory directory_;
};

TEST_F(ShardsTest, TensorsOfAllShardsAreThere) {
  index(R"({"a":"one.safetensors","b":"two.safetensors"})");
  const Weights weights = Weights::open(directory_.path());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(weights.get("b", {1}).data), 4), "1234");
  EXPECT_TRUE(weights.has("a"));
}

TEST_F(ShardsTest, MissingShardIsNamed) {
  index(R"({"a":"one.safetensors","b":"three.safetensors"})");
  expect_refused(Code::kIo, {"weight_map: b: shard three.safetensors is missing"});
}

TEST_F(ShardsTest, TensorThatIsNotInItsShardIsNamed) {
  index(R"({"a":"two.safetensors","b":"two.safetensors"})");
  expect_refused(Code::kFormat, {"weight_map: a", "two.safetensors, which does not hold it"});
}

TEST_F(ShardsTest, TensorInTwoShardsIsRefused) {
  directory_.write("two.safetensors", safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
  index(R"({"a":"one.safetensors","b":"two.safetensors"})");
  expect_refused(Code::kFormat, {"tensor a stands in two files"});
}

TEST_F(ShardsTest, ShardOutsideTheDirectoryIsRefused) {
  for (const char* path : {"../one.safetensors", "/etc/passwd", "sub\\\\x", ""}) {
    index(message(R"({"a":"{}"})", path));
    expect_refused(Code::kFormat, {"weight_map: a: got", "the name of a file beside the index"});
  }
}

TEST_F(ShardsTest, IndexWithoutMapIsRefused) {
  directory_.write("model.safetensors.index.json", "{}");
  expect_refused(Code::kFormat, {"key weight_map is missing"});
  index("[]");
  expect_refused(Code::kFormat, {"expected an object"});
}

// Any change of any byte either loads, with every tensor inside the file, or is refused by an Error.
TEST(WeightsTest, DamagedFilesNeverCrash) {
  std::ifstream file(model_path("tiny-dense") + "/2_Dense/model.safetensors", std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_GT(good.size(), 200U);
  const TemporaryDirectory directory;
  std::mt19937 random(7);
  int refused = 0;
  int loaded = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string bytes = good;
    const size_t reach = round % 4 == 0 ? bytes.size() : 200;  // mostly the header, where damage matters
    for (unsigned i = 0; i <= random() % 3; ++i) {
      const size_t at = random() % reach;
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.insert(at, 1, "0123456789[]{},:\"-e"[random() % 19]); break;
        case 2: bytes.erase(at, 1 + random() % 4); break;
        default: bytes.resize(std::max<size_t>(at, 1)); break;
      }
      if (bytes.size() < reach) break;
    }
    directory.write("model.safetensors", bytes);
    try {
      const Weights weights = Weights::open(directory.path());
      uint64_t sum = 0;
      for (const auto& [name, tensor] : weights.tensors()) {
        const auto size = static_cast<size_t>(tensor.size()) * dtype_bytes(tensor.dtype);
        for (size_t i = 0; i < size; ++i) sum += std::to_integer<uint64_t>(tensor.data[i]);
      }
      loaded += sum > 0 ? 1 : 0;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(loaded, 20);
}

}  // namespace
}  // namespace emberline
