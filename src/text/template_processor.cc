// SPDX-License-Identifier: Apache-2.0
#include "text/template_processor.h"

#include <algorithm>

namespace emberline {
namespace {

class TemplateProcessor final : public PostProcessor {
 public:
  explicit TemplateProcessor(TemplateConfig config) : config_(std::move(config)) {}

  int64_t num_special_tokens() const override {
    return static_cast<int64_t>(config_.before.ids.size() + config_.after.ids.size());
  }

  void begin(Encoding& out) const override { out.ids.assign(config_.before.ids.begin(), config_.before.ids.end()); }

  void end(Encoding& out) const override {
    const size_t num_tokens = out.ids.size() + config_.after.ids.size();
    out.ids.insert(out.ids.end(), config_.after.ids.begin(), config_.after.ids.end());
    out.types.assign(num_tokens, config_.sequence_type);
    std::copy(config_.before.types.begin(), config_.before.types.end(), out.types.begin());
    std::copy_backward(config_.after.types.begin(), config_.after.types.end(), out.types.end());
  }

 private:
  TemplateConfig config_;
};

}  // namespace

std::unique_ptr<PostProcessor> make_template_processor(TemplateConfig config) {
  return std::make_unique<TemplateProcessor>(std::move(config));
}

}  // namespace emberline
