// SPDX-License-Identifier: Apache-2.0
#include "text/template_processor.h"

#include <algorithm>

namespace emberline {
namespace {

int64_t size_of(const SpecialTokens& tokens) {
  return static_cast<int64_t>(tokens.ids.size());
}

void append(const SpecialTokens& tokens, Encoding& out) {
  out.ids.insert(out.ids.end(), tokens.ids.begin(), tokens.ids.end());
  out.types.insert(out.types.end(), tokens.types.begin(), tokens.types.end());
}

void append(std::span<const int32_t> sequence, int32_t type, Encoding& out) {
  out.ids.insert(out.ids.end(), sequence.begin(), sequence.end());
  out.types.resize(out.ids.size(), type);
}

class TemplateProcessor final : public PostProcessor {
 public:
  explicit TemplateProcessor(TemplateConfig config) : config_(std::move(config)) {}

  int64_t num_special_tokens() const override { return size_of(config_.before) + size_of(config_.after); }

  void begin(Encoding& out) const override { out.ids.assign(config_.before.ids.begin(), config_.before.ids.end()); }

  void end(Encoding& out) const override {
    const size_t num_tokens = out.ids.size() + config_.after.ids.size();
    out.ids.insert(out.ids.end(), config_.after.ids.begin(), config_.after.ids.end());
    out.types.assign(num_tokens, config_.sequence_type);
    std::copy(config_.before.types.begin(), config_.before.types.end(), out.types.begin());
    std::copy_backward(config_.after.types.begin(), config_.after.types.end(), out.types.end());
  }

  bool joins_pairs() const override { return config_.pair.has_value(); }

  int64_t num_pair_special_tokens() const override {
    if (!config_.pair) return 0;
    return size_of(config_.pair->before) + size_of(config_.pair->between) + size_of(config_.pair->after);
  }

  void join(std::span<const int32_t> first, std::span<const int32_t> second, Encoding& out) const override {
    out.ids.clear();
    out.types.clear();
    if (!config_.pair) return;
    const PairTemplate& pair = *config_.pair;
    append(pair.before, out);
    append(first, pair.first_type, out);
    append(pair.between, out);
    append(second, pair.second_type, out);
    append(pair.after, out);
  }

 private:
  TemplateConfig config_;
};

}  // namespace

TemplateConfig bert_template(int32_t cls, int32_t sep) {
  return {{{cls}, {0}}, {{sep}, {0}}, 0, PairTemplate{{{cls}, {0}}, {{sep}, {0}}, {{sep}, {1}}, 0, 1}};
}

TemplateConfig roberta_template(int32_t cls, int32_t sep) {
  return {{{cls}, {0}}, {{sep}, {0}}, 0, PairTemplate{{{cls}, {0}}, {{sep, sep}, {0, 0}}, {{sep}, {0}}, 0, 0}};
}

std::unique_ptr<PostProcessor> make_template_processor(TemplateConfig config) {
  return std::make_unique<TemplateProcessor>(std::move(config));
}

}  // namespace emberline
