// SPDX-License-Identifier: Apache-2.0
#include "engine/calibration.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "model/batch.h"
#include "model/encoder.h"
#include "model/smoothing.h"

namespace emberline {
namespace {

// Statements, questions, names, numbers, code, and the scripts that small multilingual models know.
constexpr const char* kTexts[] = {
    "The old bridge was closed in March after engineers found cracks in two of its piers.",
    "How do I reset the password of an account that I can no longer reach by e-mail?",
    "Returns a list of rows sorted by the given key; raises ValueError if the key is missing.",
    "Good value for money, but the battery barely lasts a day and the strap broke after a week.",
    "Dr. Okafor's team compared 1,204 patients in 17 hospitals between 2009 and 2016 (p < 0.05).",
    "for (int i = 0; i < n; ++i) { total += price[i] * quantity[i]; }",
    "A light, quick soup: simmer leeks and potatoes, add cream, season with nutmeg and white pepper.",
    "The court held that the contract was void because neither party had disclosed the earlier lien.",
    "it rained all day so we stayed in and played cards lol",
    "Library for reading compressed archives; this package contains the development headers.",
    "Shares fell 3.4% on Tuesday as investors weighed rising fuel costs against stronger ticket sales.",
    "Photosynthesis turns carbon dioxide and water into sugar, using the energy of sunlight.",
    "ERROR 2041: connection to 10.0.3.17:5432 timed out after 30s, retrying (attempt 2 of 5)",
    "She closed the book, looked out at the harbour lights, and for the first time did not feel alone.",
    "Der Zug nach Hamburg fährt heute wegen einer Störung zwanzig Minuten später ab.",
    "Le musée ouvre ses portes à dix heures, sauf le lundi et les jours fériés.",
    "¿Cuál es la diferencia entre un impuesto directo y uno indirecto?",
    "Погода завтра будет ясной, но к вечеру возможен сильный ветер.",
    "会議は来週の火曜日に延期されましたので、ご注意ください。",
    "这家餐厅的服务很好，但是菜的价格有点贵，我们等了半个小时才吃上饭。",
    "图书馆每天早上九点开门，周末下午五点关门。",
    "يرجى إعادة تشغيل الجهاز بعد تثبيت التحديث.",
    "서울의 지하철은 새벽 다섯 시 반부터 운행을 시작한다.",
    "मौसम विभाग ने अगले दो दिनों में भारी बारिश की चेतावनी दी है।",
};
constexpr int64_t kMostTokens = 32;  // of one text

Batch batch_of_texts(const Tokenizer& tokenizer, int64_t max_tokens) {
  Batch batch;
  Encoding encoding;
  for (const char* text : kTexts) {
    tokenizer.encode(text, std::min(max_tokens, kMostTokens), encoding);
    batch.append(encoding.ids, encoding.types, batch.num_seqs());
  }
  return batch;
}

std::vector<float> finished_vectors(const ModelConfig& config, const Batch& batch, const Backend& backend,
                                    const Encoder& encoder, const Head& head, NormObserver* observer) {
  const std::unique_ptr<Stream> stream = backend.make_stream(allowed_cpus());
  EncoderScratch scratch;
  const MatrixView hidden =
      encoder.forward(*stream, batch, {.layers = {config.network.num_hidden_layers}}, scratch, observer);
  HeadPlan plan;
  plan.pooling = config.pooling;
  plan.use_dense = true;
  const MatrixView vectors = head.finish(*stream, hidden, batch, plan, scratch);
  std::vector<float> out(static_cast<size_t>(vectors.rows * vectors.cols));
  for (int64_t row = 0; row < vectors.rows; ++row) {
    stream->download_row(vectors, row, vectors.cols, out.data() + row * vectors.cols);
  }
  return out;
}

}  // namespace

int64_t num_builtin_texts() {
  return static_cast<int64_t>(std::size(kTexts));
}

Calibration calibrate(const ModelConfig& config, const Weights& weights, const Tokenizer& tokenizer,
                      const Backend& backend) {
  const std::unique_ptr<Backend> exact = backend.make_exact();
  const Encoder encoder(config.network, weights, *exact, allowed_cpus());
  const Head head(config, *exact);
  ColumnMaxima maxima(config.network);
  const Batch batch = batch_of_texts(tokenizer, config.max_tokens);
  std::vector<float> vectors = finished_vectors(config, batch, *exact, encoder, head, &maxima);
  return {smoothing_factors(config.network, weights, maxima), std::move(vectors)};
}

std::vector<float> vectors_of_text(const ModelConfig& config, const Tokenizer& tokenizer, const Backend& backend,
                                   const Encoder& encoder, const Head& head) {
  const Batch batch = batch_of_texts(tokenizer, config.max_tokens);
  return finished_vectors(config, batch, backend, encoder, head, nullptr);
}

Agreement least_agreement(const NetworkConfig& network) {
  return network.is_decoder ? kGoodAgreement : Agreement{.mean = 0.995, .worst = 0.98, .num_texts = 0};
}

void require_agreement(const Agreement& int8, const NetworkConfig& network, const std::string& model,
                       const std::string& isa) {
  const Agreement least = least_agreement(network);
  check(int8.mean >= least.mean && int8.worst >= least.worst, Code::kUnsupported,
        "{}: option dtype: int8 on {} changes this model's vectors too much: their cosine to f32 is {} in the mean and "
        "{} at worst on {} built-in texts, expected at least {} and {} of a {} model; take bf16 or f32",
        model, isa, int8.mean, int8.worst, int8.num_texts, least.mean, least.worst, network.model_type);
}

Agreement agreement_of(std::span<const float> vectors, std::span<const float> exact, int64_t num_texts) {
  Agreement agreement;
  const auto dim = static_cast<int64_t>(exact.size()) / std::max<int64_t>(1, num_texts);
  double sum = 0;
  for (; agreement.num_texts < num_texts; ++agreement.num_texts) {
    double product = 0;
    double squares = 0;
    double exact_squares = 0;
    const auto first = static_cast<size_t>(agreement.num_texts * dim);
    for (size_t i = first; i < first + static_cast<size_t>(dim); ++i) {
      product += double{vectors[i]} * double{exact[i]};
      squares += double{vectors[i]} * double{vectors[i]};
      exact_squares += double{exact[i]} * double{exact[i]};
    }
    const double cosine = product / std::sqrt(squares * exact_squares);
    sum += cosine;
    if (!(cosine >= agreement.worst)) agreement.worst = cosine;
  }
  agreement.mean = sum / static_cast<double>(agreement.num_texts);
  return agreement;
}

}  // namespace emberline
