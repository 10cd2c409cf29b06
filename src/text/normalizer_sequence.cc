// SPDX-License-Identifier: Apache-2.0
#include "text/normalizer_sequence.h"

#include <algorithm>

namespace emberline {
namespace {

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts) : parts_(std::move(parts)) {}

  void append(std::string_view text, std::string& out) const override {
    std::string form(text);
    std::string next;
    for (const auto& part : parts_) {
      next.clear();
      part->append(form, next);
      form.swap(next);
    }
    out += form;
  }

  Cuts cuts() const override {
    Cuts strictest = Cuts::kBeforeSeparators;
    for (const auto& part : parts_) strictest = std::max(strictest, part->cuts());
    return strictest;
  }

  bool drops_start(std::string_view text) const override {
    std::string form(text);
    std::string next;
    for (const auto& part : parts_) {
      if (form.empty() || part->drops_start(form)) return true;
      next.clear();
      part->append(form, next);
      form.swap(next);
    }
    return false;
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

}  // namespace

std::unique_ptr<Normalizer> make_normalizer_sequence(std::vector<std::unique_ptr<Normalizer>> parts) {
  return std::make_unique<NormalizerSequence>(std::move(parts));
}

}  // namespace emberline
