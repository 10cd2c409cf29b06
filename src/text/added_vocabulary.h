// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gives added tokens their ids: the vocabulary's where it has them, else the next free one.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/added_tokens.h"

namespace emberline {

class AddedVocabulary {
 public:
  // `vocab` is sorted by piece and must outlive this.
  explicit AddedVocabulary(const std::vector<std::pair<std::string, int32_t>>& vocab);

  // The token's id. A token that is there already keeps its id and takes the new flags; its own id is not looked at.
  int32_t add(AddedToken token);
  bool has(const std::string& content) const { return places_.count(content) != 0; }

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  int32_t largest_id() const { return largest_id_; }

 private:
  const std::vector<std::pair<std::string, int32_t>>& vocab_;
  std::unordered_map<std::string, size_t> places_;  // in tokens_, by content
  std::vector<AddedToken> tokens_;
  int32_t next_id_;
  int32_t largest_id_ = -1;
};

}  // namespace emberline
