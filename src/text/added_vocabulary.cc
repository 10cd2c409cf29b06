// SPDX-License-Identifier: Apache-2.0
#include "text/added_vocabulary.h"

#include <algorithm>

namespace emberline {

AddedVocabulary::AddedVocabulary(const std::vector<std::pair<std::string, int32_t>>& vocab)
    : vocab_(vocab), next_id_(static_cast<int32_t>(vocab.size())) {
  for (const auto& [piece, id] : vocab) largest_id_ = std::max(largest_id_, id);
}

int32_t AddedVocabulary::add(AddedToken token) {
  const auto [place, is_new] = places_.emplace(token.content, tokens_.size());
  if (!is_new) {
    token.id = tokens_[place->second].id;
    tokens_[place->second] = std::move(token);
    return tokens_[place->second].id;
  }
  const auto known = std::lower_bound(vocab_.begin(), vocab_.end(), token.content,
                                      [](const auto& entry, const std::string& piece) { return entry.first < piece; });
  token.id = known != vocab_.end() && known->first == token.content ? known->second : next_id_++;
  largest_id_ = std::max(largest_id_, token.id);
  tokens_.push_back(std::move(token));
  return tokens_.back().id;
}

}  // namespace emberline
