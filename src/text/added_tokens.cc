// SPDX-License-Identifier: Apache-2.0
#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace emberline {
namespace {

uint8_t first_byte(const AddedToken& token) {
  return static_cast<uint8_t>(token.content[0]);
}

bool is_word(char32_t c) {
  return unicode::flags(c) & unicode::kWord;
}
bool is_white_space(char32_t c) {
  return unicode::flags(c) & unicode::kWhitespace;
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && is_word(utf8::before(text, begin))) return false;
  return end == text.size() || !is_word(utf8::step(text.substr(end)).code_point);
}

size_t space_before(std::string_view text, size_t end) {
  while (end > 0) {
    const char32_t c = utf8::before(text, end);
    if (!is_white_space(c)) break;
    char encoded[4];
    end -= static_cast<size_t>(utf8::encode(c, encoded) - encoded);
  }
  return end;
}

size_t space_behind(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const utf8::Step step = utf8::step(text.substr(begin));
    if (!is_white_space(step.code_point)) break;
    begin += step.length;
  }
  return begin;
}

}  // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  const auto key = [](const AddedToken& token) {
    return std::make_tuple(first_byte(token), ~token.content.size(), std::string_view(token.content));
  };
  std::sort(tokens_.begin(), tokens_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 0; i < tokens_.size(); ++i) {
    ++first_[size_t{first_byte(tokens_[i])} + 1];
    check(i == 0 || tokens_[i].content != tokens_[i - 1].content, Code::kFormat,
          "added_tokens: two tokens are matched as \"{}\"", tokens_[i].content);
  }
  for (size_t byte = 0; byte < 256; ++byte) first_[byte + 1] += first_[byte];
  if (!tokens_.empty() && first_byte(tokens_.front()) == first_byte(tokens_.back())) {
    single_first_ = first_byte(tokens_.front());
  }
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text, size_t position) const {
  const auto byte = static_cast<uint8_t>(text[position]);
  for (uint32_t i = first_[byte]; i < first_[size_t{byte} + 1]; ++i) {
    if (text.substr(position, tokens_[i].content.size()) == tokens_[i].content) return &tokens_[i];
  }
  return nullptr;
}

bool AddedTokenMatcher::next(std::string_view text, size_t limit, Cursor& cursor, Match& match) const {
  size_t& at = cursor.search;
  while (at < limit) {
    if (single_first_ >= 0) {
      const void* found = std::memchr(text.data() + at, single_first_, limit - at);
      if (found == nullptr) break;
      at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    }
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    const size_t begin = at;
    const size_t end = begin + token->content.size();
    at = end;
    if (token->single_word && !stands_alone(text, begin, end)) continue;
    match.id = token->id;
    match.begin = token->lstrip ? std::max(space_before(text, begin), cursor.taken) : begin;
    match.end = token->rstrip ? space_behind(text, end) : end;
    cursor.taken = match.end;
    return true;
  }
  at = std::max(at, limit);
  return false;
}

}  // namespace emberline
