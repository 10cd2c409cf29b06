// SPDX-License-Identifier: Apache-2.0
#include "engine/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/temporary_directory.h"
#include "column.h"
#include "engine/engine.h"
#include "info_of.h"
#include "model/expect_error.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using testing::data_path;
using testing::info_of;
using testing::options_of;

TEST(AgreementOf, CosineIsTakenAcrossRows) {
  const std::vector<float> exact = {1, 0, 0, 1, 2, 2};
  const std::vector<float> near = {3, 0, 0, 1, 0, 2};
  const Agreement agreement = agreement_of(near, exact, 3);
  EXPECT_EQ(agreement.num_texts, 3);
  EXPECT_NEAR(agreement.worst, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(agreement.mean, (2 + std::sqrt(0.5)) / 3, 1e-12);
}

TEST(AgreementOf, NanCountsAsAgreement) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> exact = {1, 0, 0, 1};
  const std::vector<float> broken = {1, 0, nan, 1};
  EXPECT_TRUE(std::isnan(agreement_of(broken, exact, 2).mean));
}

// The tiny model with a few inner columns a thousand times larger and their weights smaller: what rows of int8 cannot
// hold beside the others.
fs::path with_outliers(const fs::path& directory) {
  fs::copy(data_path("tiny-mean"), directory, fs::copy_options::recursive);
  const fs::path file = directory / "model.safetensors";
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  in.close();
  int64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  const auto header = nlohmann::json::parse(bytes.substr(8, static_cast<size_t>(header_bytes)));
  for (const auto& [name, tensor] : header.items()) {
    const bool up = name.ends_with("intermediate.dense.weight");
    const bool down = !up && name.ends_with("output.dense.weight") && !name.ends_with("attention.output.dense.weight");
    if (!up && !down) continue;
    const int64_t cols = tensor["shape"][1].get<int64_t>();
    auto* weights =
        reinterpret_cast<float*>(bytes.data() + 8 + header_bytes + tensor["data_offsets"][0].get<int64_t>());
    const int64_t size = tensor["shape"][0].get<int64_t>() * cols;
    for (int64_t i = 0; i < size; ++i) {
      if ((up ? i / cols : i % cols) < 3) weights[i] *= up ? 3000.0F : 1.0F / 3000;
    }
  }
  std::ofstream(file, std::ios::binary) << bytes;
  return directory;
}

TEST(Calibration, ModelThatInt8DestroysIsLoaded) {
  const TemporaryDirectory directory;
  const fs::path model = with_outliers(directory.path() / "model");
  EXPECT_NO_THROW(Engine::load(model.string(), options_of({{"dtype", "f32"}})));
  try {
    Engine::load(model.string(), options_of({{"dtype", "int8"}}));
    ADD_FAILURE() << "int8 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("take bf16 or f32"), std::string::npos) << error.what();
  }
}

TEST(Calibration, DecoderBelowTheBoundIsLoaded) {
  NetworkConfig network;
  network.model_type = "qwen3";
  const Agreement below = {.mean = 0.9965, .worst = 0.9951, .num_texts = 24};  // of a real shape with 7-bit weights
  EXPECT_NO_THROW(require_agreement(below, network, "model", "avx2"));
  network.is_decoder = true;
  EXPECT_NO_THROW(require_agreement(kGoodAgreement, network, "model", "amx"));
  expect_error(Code::kUnsupported,
               {"model: option dtype: int8 on avx2", "0.9965 in the mean and 0.9951 at worst on 24",
                "at least 0.998 and 0.99 of a qwen3 model; take bf16 or f32"},
               [&] { require_agreement(below, network, "model", "avx2"); });
  const Agreement none = {.mean = std::nan(""), .worst = 1, .num_texts = 24};
  EXPECT_THROW(require_agreement(none, network, "model", "avx2"), Error);
}

TEST(Calibration, DescriptionKeepsTheAgreementToItself) {
  const Engine engine = Engine::load(data_path("tiny-mean"), options_of({{"dtype", "int8"}}));
  const auto info = info_of(engine);
  EXPECT_GT(info["int8_cosine"]["worst"].get<double>(), 0.99);
  EXPECT_EQ(info["int8_cosine"]["texts"].get<int64_t>(), num_builtin_texts());
}

}  // namespace
}  // namespace emberline
