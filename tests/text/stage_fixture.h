// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stages run alone on a text.
#include <string>
#include <string_view>
#include <vector>

#include "text/stages.h"

namespace emberline {

inline std::vector<std::string> words_of(const PreTokenizer& stage, std::string_view text, bool at_start = true) {
  Words words;
  words.text = text;
  words.at_start = at_start;
  if (!text.empty()) words.spans.push_back({0, text.size()});
  stage.split(words);
  std::vector<std::string> found;
  for (const WordSpan& span : words.spans) found.emplace_back(words.text.substr(span.begin, span.end - span.begin));
  return found;
}

inline std::string form_of(const Normalizer& stage, std::string_view text) {
  std::string form;
  stage.append(text, form);
  return form;
}

inline std::vector<int32_t> ids_of(const TokenModel& model, std::string_view word) {
  const WordSpan span{0, word.size()};
  std::vector<int32_t> ids;
  model.append_ids(word, {&span, 1}, SIZE_MAX, ids);
  return ids;
}

}  // namespace emberline
