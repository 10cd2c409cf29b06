// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include "text/bert_normalizer.h"
#include "text/normalizer_sequence.h"
#include "text/pipeline.h"
#include "text/tokenizer_files.h"

namespace emberline {

Tokenizer Tokenizer::load(const std::filesystem::path& directory, bool lower_case_first) {
  TokenizerParts parts = read_tokenizer_files(directory);
  if (lower_case_first) {
    std::vector<std::unique_ptr<Normalizer>> normalizers;
    normalizers.push_back(make_lowercase());
    if (parts.normalizer) normalizers.push_back(std::move(parts.normalizer));
    parts.normalizer = make_normalizer_sequence(std::move(normalizers));
  }
  return Tokenizer(std::make_unique<Pipeline>(std::move(parts)));
}

Tokenizer Tokenizer::load_bare(const std::filesystem::path& directory, bool drops_unknown) {
  return Tokenizer(std::make_unique<Pipeline>(read_bare_tokenizer(directory, drops_unknown)));
}

Tokenizer::Tokenizer(std::unique_ptr<Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

void Tokenizer::encode(std::string_view text, int64_t max_tokens, Encoding& out) const {
  pipeline_->encode(text, max_tokens, out);
}

bool Tokenizer::encodes_pairs() const {
  return pipeline_->parts.post_processor->joins_pairs();
}

int64_t Tokenizer::num_pair_special_tokens() const {
  return pipeline_->parts.post_processor->num_pair_special_tokens();
}

int64_t Tokenizer::num_special_tokens() const {
  return pipeline_->parts.post_processor->num_special_tokens();
}

int64_t Tokenizer::num_leading_special_tokens() const {
  Encoding first;
  pipeline_->parts.post_processor->begin(first);
  return static_cast<int64_t>(first.ids.size());
}
int64_t Tokenizer::vocab_size() const {
  return pipeline_->parts.vocab_size;
}
int64_t Tokenizer::largest_text() const {
  return pipeline_->parts.largest_text;
}
const std::vector<std::string>& Tokenizer::warnings() const {
  return pipeline_->parts.warnings;
}
const std::string& Tokenizer::description() const {
  return pipeline_->parts.description;
}

}  // namespace emberline
