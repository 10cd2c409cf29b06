// SPDX-License-Identifier: Apache-2.0
// Every dtype on every instruction set, text in, vector out: near the reference, and the same bits wherever a row lies.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "backend/devices.h"
#include "base/mapped_file.h"
#include "column.h"
#include "info_of.h"
#include "model/golden.h"

namespace emberline {
namespace {

using testing::data_path;
using testing::embed;
using testing::info_of;
using testing::mixed_texts;
using testing::options_of;
using testing::Result;
using testing::same_bits;
using testing::Texts;

class Dtypes : public DeviceTest {
 protected:
  static Engine load(const std::string& directory, const Options& options = {}) {
    return Engine::load_on(make_cpu_backend(GetParam().isa, GetParam().dtype), directory, options);
  }
};

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    a_squares += double{a[i]} * double{a[i]};
    b_squares += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(a_squares * b_squares);
}

// Rounding weighs more in a tiny network than in a real one: worst rows of these models, not the bounds of real ones.
double worst_cosine(DType dtype) {
  return dtype == DType::kF32 ? 0.999999 : dtype == DType::kBF16 ? 0.9995 : 0.98;
}

TEST_P(Dtypes, VectorsAreFarFromTheReference) {
  for (const std::string model : {"tiny-mean",       "tiny-cls",
                                  "tiny-gelu-new",   "tiny-dense",
                                  "tiny-roberta",    "tiny-xlm-roberta",
                                  "tiny-electra",    "tiny-distilbert",
                                  "tiny-albert",     "tiny-mpnet",
                                  "tiny-modernbert", "tiny-nomic-bert",
                                  "tiny-gte",        "tiny-qwen2",
                                  "tiny-qwen3",      "tiny-mistral",
                                  "tiny-t5",         "tiny-gemma3",
                                  "tiny-new",        "tiny-jina-bert",
                                  "tiny-deberta-v2", "tiny-nomic-bert-moe",
                                  "tiny-use"}) {
    const auto record = nlohmann::json::parse(read_text_file(EMB_SOURCE_DIR "/tests/golden/" + model + ".json"));
    const Golden golden = read_golden(model);
    Texts texts;
    for (const auto& row : record["rows"]) texts.push_back(row.get<std::string>());
    const Result result = embed(load(model_path(model)), texts);
    for (size_t row = 0; row < texts.size(); ++row) {
      EXPECT_GE(cosine(result.row(row), golden.vector(static_cast<int64_t>(row))), worst_cosine(GetParam().dtype))
          << model << ", row " << row;
    }
  }
}

TEST_P(Dtypes, RowChangesWithItsBatchOrThreads) {
  for (const std::string model :
       {"tiny-mean", "tiny-albert", "tiny-mpnet", "tiny-modernbert", "tiny-nomic-bert", "tiny-gte", "tiny-qwen2",
        "tiny-qwen3", "tiny-mistral", "tiny-t5", "tiny-gemma3", "tiny-jina-bert", "tiny-deberta-v2",
        "tiny-nomic-bert-moe", "tiny-static", "tiny-model2vec", "tiny-use"}) {
    const Texts texts = mixed_texts(model == "tiny-mean" ? 97 : 24);
    const Engine engine = load(data_path(model), options_of({{"threads", "1"}}));
    const Result together = embed(engine, texts);
    for (size_t row = 0; row < texts.size(); ++row) {
      ASSERT_TRUE(same_bits(embed(engine, {texts[row]}).row(0), together.row(row))) << model << ", row " << row;
    }
    const Engine team = engine.derive(options_of({{"threads", "3"}}));
    for (size_t row = 0; row < 4; ++row) {
      ASSERT_TRUE(same_bits(embed(team, {texts[row]}).row(0), together.row(row))) << model << ", shared row " << row;
    }
    for (const char* budget : {"1", "40", "100000"}) {
      const Engine other = engine.derive(options_of({{"batch_tokens", budget}, {"threads", "3"}}));
      ASSERT_TRUE(same_bits(embed(other, texts).data, together.data)) << model << ", batch_tokens=" << budget;
    }
  }
}

TEST_P(Dtypes, DescriptionNamesAnotherDtypeThanItComputesIn) {
  const auto info = info_of(load(data_path("tiny-mean")));
  EXPECT_EQ(info["dtype"], dtype_name(GetParam().dtype));
}

EMB_FOR_EVERY_DEVICE(Dtypes);

TEST(DtypeAuto, TakesInt8) {
  const Engine engine = Engine::load(data_path("tiny-mean"), {});
  const auto info = info_of(engine);
  EXPECT_EQ(info["dtype"], dtype_name(fastest_dtype()));
  EXPECT_NE(fastest_dtype(), DType::kI8);
}

}  // namespace
}  // namespace emberline
