// SPDX-License-Identifier: Apache-2.0
#include "text/pre_tokenizer_sequence.h"

#include <algorithm>

namespace emberline {
namespace {

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts) : parts_(std::move(parts)) {}

  void split(Words& words) const override {
    for (const auto& part : parts_) part->split(words);
  }
  // Words only get shorter from part to part.
  bool separates(char32_t c) const override {
    return std::any_of(parts_.begin(), parts_.end(), [c](const auto& part) { return part->separates(c); });
  }
  bool asks_for_start() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->asks_for_start(); });
  }
  Cuts cuts() const override {
    Cuts strictest = Cuts::kBetweenPlainWords;
    for (const auto& part : parts_) strictest = std::max(strictest, part->cuts());
    return strictest;
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer_sequence(std::vector<std::unique_ptr<PreTokenizer>> parts) {
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

}  // namespace emberline
