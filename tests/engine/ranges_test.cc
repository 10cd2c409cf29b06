// SPDX-License-Identifier: Apache-2.0
#include "engine/ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/temporary_directory.h"
#include "column.h"
#include "engine/engine.h"
#include "model/expect_error.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using testing::Column;
using testing::data_path;
using testing::embed;
using testing::options_of;

// tiny-mean, and the file of ranges that it is given.
class Ranges : public ::testing::Test {
 protected:
  void SetUp() override {
    write_ranges(engine_, -0.5F, 0.5F, 3);
    content_ = nlohmann::json::parse(read_text_file(file_));
  }

  void write_ranges(const Engine& engine, float least, float largest, int64_t num_vectors) const {
    const std::vector<float> all_least(static_cast<size_t>(engine.dim()), least);
    const std::vector<float> all_largest(static_cast<size_t>(engine.dim()), largest);
    engine.write_ranges(all_least.data(), all_largest.data(), num_vectors, file_.string());
  }

  Engine derived(const char* output) {
    std::ofstream(file_) << content_.dump();
    return engine_.derive(options_of({{"output", output}, {"ranges", file_.c_str()}}));
  }
  std::string complaint(Code code) {
    try {
      derived("int8");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }

  Engine engine_ = Engine::load(data_path("tiny-mean"), {});
  const TemporaryDirectory directory_;
  const fs::path file_ = directory_.path() / "ranges.json";
  nlohmann::json content_;
};

std::vector<uint8_t> bytes_of(const Engine& engine, const testing::Texts& texts) {
  const Column column(texts);
  std::vector<uint8_t> bytes(static_cast<size_t>(engine.vector_bytes()) * texts.size(), 0xEE);
  Stats stats;
  engine.embed(column.view(), {bytes.data(), engine.vector_bytes()}, {}, stats);
  return bytes;
}

TEST_F(Ranges, FormsDifferFromThoseOfTheFloats) {
  const testing::Texts texts{"a text", "another text, which is longer", ""};
  const testing::Result floats = embed(engine_, texts);
  const std::vector<float> half(static_cast<size_t>(engine_.dim()), 0.5F);
  const std::vector<float> minus(static_cast<size_t>(engine_.dim()), -0.5F);
  const OutputLevels levels = levels_between(minus, half);
  for (const auto& [name, output] : {std::pair("float32", Output::kFloat32), std::pair("float16", Output::kFloat16),
                                     std::pair("int8", Output::kInt8), std::pair("uint8", Output::kUint8),
                                     std::pair("binary", Output::kBinary), std::pair("ubinary", Output::kUbinary)}) {
    const Engine engine = derived(name);
    const std::vector<uint8_t> bytes = bytes_of(engine, texts);
    for (size_t row = 0; row < texts.size(); ++row) {
      std::vector<uint8_t> expected(static_cast<size_t>(engine.vector_bytes()));
      write_output(output, levels, floats.row(row), expected.data());
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(row * expected.size());
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), begin)) << name << ", row " << row;
    }
  }
}

TEST_F(Ranges, WindowsOfALongTextAreWrittenOneByOne) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word ";
  const auto chunked = [&](const char* output) {
    return engine_.derive(options_of({{"long_text", "chunk"}, {"max_tokens", "16"}, {"output", output}}));
  };
  const testing::Texts texts{"short", text, std::nullopt, "short again"};
  const testing::Result floats = embed(chunked("float32"), texts);
  const std::vector<uint8_t> bytes = bytes_of(chunked("ubinary"), texts);
  const size_t size = bytes.size() / texts.size();
  for (const size_t row : {0U, 1U, 3U}) {
    std::vector<uint8_t> expected(size);
    write_output(Output::kUbinary, {}, floats.row(row), expected.data());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin() + static_cast<std::ptrdiff_t>(row * size)));
  }
  EXPECT_TRUE(std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(2 * size),
                          bytes.begin() + static_cast<std::ptrdiff_t>(3 * size), [](uint8_t b) { return b == 0xEE; }))
      << "the null row was written";
}

TEST_F(Ranges, FileOfAnotherModelIsTaken) {
  content_["model"] = "0123456789abcdef";
  EXPECT_NE(complaint(Code::kInvalidArgument).find("is of another model (got 0123456789abcdef"), std::string::npos);
}

TEST_F(Ranges, FileForOtherOptionsIsTaken) {
  content_["options"]["pooling"] = "cls";
  EXPECT_NE(complaint(Code::kInvalidArgument).find("is for pooling=cls, but pooling=mean is in force"),
            std::string::npos);
}

TEST_F(Ranges, FileForOtherDimensionsIsTaken) {
  content_["dim"] = 5;
  EXPECT_NE(complaint(Code::kInvalidArgument).find("is for vectors of 5 dimensions"), std::string::npos);
}

TEST_F(Ranges, NumbersThatAreMissingOrTurnedRoundAreTaken) {
  const nlohmann::json whole = content_;
  content_["least"].erase(0);
  EXPECT_NE(complaint(Code::kFormat).find("least: got"), std::string::npos);
  content_ = whole;
  content_["least"][3] = 0.75;
  EXPECT_NE(complaint(Code::kFormat).find("got 0.75 to 0.5 for dimension 3"), std::string::npos);
  content_ = whole;
  content_.erase("options");
  EXPECT_NE(complaint(Code::kFormat).find("options is missing"), std::string::npos);
}

TEST_F(Ranges, FileDoesNotSayWhatTheVectorsWere) {
  const nlohmann::json options = {
      {"task", ""}, {"layers", "1,2"}, {"layer_op", "mean"}, {"pooling", "cls"}, {"normalize", "false"}};
  write_ranges(engine_.derive(options_of({{"layers", "1,2"}, {"pooling", "cls"}, {"normalize", "false"}})), 0, 1, 7);
  const auto content = nlohmann::json::parse(read_text_file(file_));
  EXPECT_EQ(content["options"], options);
  EXPECT_EQ(content["rows"], 7);
  EXPECT_EQ(content["dim"], engine_.dim());
}

TEST_F(Ranges, NoRangeIsWrittenOverAGoodFile) {
  const std::string before = read_text_file(file_);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_error(Code::kInvalidArgument, {"ranges need rows"}, [&] { write_ranges(engine_, -1, 1, 0); });
  expect_error(Code::kInvalidArgument, {"got nan to 1 for dimension 0"}, [&] { write_ranges(engine_, nan, 1, 3); });
  expect_error(Code::kInvalidArgument, {"got 1 to -1"}, [&] { write_ranges(engine_, 1, -1, 3); });
  EXPECT_EQ(read_text_file(file_), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(Ranges, MissingFileIsNotSaidToBeMissing) {
  try {
    engine_.derive(options_of({{"output", "uint8"}}));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("emberline_ranges.json; `emberline calibrate"), std::string::npos)
        << error.what();
  }
}

TEST_F(Ranges, BuffersThatDoNotFitTheFormAreWrittenTo) {
  const Engine engine = engine_.derive(options_of({{"output", "float16"}}));
  const Column column({"a text"});
  std::vector<uint16_t> buffer(static_cast<size_t>(engine.dim()) + 1);
  Stats stats;
  EXPECT_THROW(engine.embed(column.view(), {buffer.data(), engine.vector_bytes() - 2}, {}, stats), Error);
  auto* odd = reinterpret_cast<uint8_t*>(buffer.data()) + 1;
  EXPECT_THROW(engine.embed(column.view(), {odd, engine.vector_bytes()}, {}, stats), Error);
  EXPECT_NO_THROW(engine.embed(column.view(), {buffer.data(), engine.vector_bytes()}, {}, stats));
}

}  // namespace
}  // namespace emberline
