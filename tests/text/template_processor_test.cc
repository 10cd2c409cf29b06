// SPDX-License-Identifier: Apache-2.0
#include "text/template_processor.h"

#include <gtest/gtest.h>

namespace emberline {
namespace {

using Ids = std::vector<int32_t>;

Encoding processed(const TemplateConfig& config, const Ids& sequence) {
  const auto stage = make_template_processor(config);
  Encoding out;
  out.ids = {99};
  out.types = {99, 99, 99};
  stage->begin(out);
  out.ids.insert(out.ids.end(), sequence.begin(), sequence.end());
  stage->end(out);
  EXPECT_EQ(stage->num_special_tokens() + static_cast<int64_t>(sequence.size()), static_cast<int64_t>(out.ids.size()));
  return out;
}

TEST(TemplateProcessor, PutsSpecialTokensAndTypesAroundTheSequence) {
  const Encoding out = processed({{{7, 8}, {3, 4}}, {{9}, {5}}, 1}, {20, 21});
  EXPECT_EQ(out.ids, (Ids{7, 8, 20, 21, 9}));
  EXPECT_EQ(out.types, (Ids{3, 4, 1, 1, 5}));
}

TEST(TemplateProcessor, EmptySequenceAndEmptyTemplateWork) {
  EXPECT_EQ(processed({{{7}, {0}}, {{9}, {0}}, 0}, {}).ids, (Ids{7, 9}));
  EXPECT_EQ(processed({}, {20}).ids, (Ids{20}));
  EXPECT_EQ(processed({}, {20}).types, (Ids{0}));
  EXPECT_EQ(processed({}, {}).ids, Ids());
}

}  // namespace
}  // namespace emberline
