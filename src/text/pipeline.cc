// SPDX-License-Identifier: Apache-2.0
#include "text/pipeline.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Bytes of text that go through the stages at a time: small enough to stay in the L1 cache.
constexpr size_t kPartBytes = 1024;

std::string normalized_form(const Normalizer* normalizer, std::string_view text) {
  if (normalizer == nullptr) return std::string(text);
  std::string form;
  normalizer->append(text, form);
  return form;
}

AddedTokenMatcher matcher_for(const TokenizerParts& parts, bool normalized) {
  std::vector<AddedToken> tokens;
  for (AddedToken token : parts.added_tokens) {
    if (token.normalized != normalized) continue;
    if (normalized) token.content = normalized_form(parts.normalizer.get(), token.content);
    check(!token.content.empty(), Code::kFormat, "added_tokens: the token of id {} is empty once it is normalized",
          token.id);
    if (token.special && !parts.match_special_tokens) continue;
    tokens.push_back(std::move(token));
  }
  return AddedTokenMatcher(std::move(tokens));
}

}  // namespace

Tokenizer::Pipeline::Pipeline(TokenizerParts from)
    : parts(std::move(from)), raw_tokens_(matcher_for(parts, false)), normalized_tokens_(matcher_for(parts, true)) {
  if (parts.pre_tokenizer != nullptr) {
    cuts_ = parts.pre_tokenizer->cuts();
    asks_for_start_ = parts.pre_tokenizer->asks_for_start();
  }
  if (parts.normalizer != nullptr) cuts_ = std::max(cuts_, parts.normalizer->cuts());
  std::string scratch;
  for (char32_t c = 0; c < 128; ++c) cut_before_ascii_[c] = may_cut_before(c, scratch);
  const bool replaces = std::any_of(parts.added_tokens.begin(), parts.added_tokens.end(), [](const AddedToken& token) {
    return token.content.find("\xEF\xBF\xBD") != std::string::npos;
  });
  in_parts_ = cuts_ != Cuts::kNowhere && cut_before_ascii_[' '] && normalized_tokens_.empty() && !replaces;
}

void Tokenizer::Pipeline::encode(std::string_view text, int64_t max_tokens, Encoding& out) const {
  const int64_t room = max_tokens - parts.post_processor->num_special_tokens();
  check(room >= 0, Code::kInvalidArgument, "encode: got max_tokens={}, expected at least {} (the special tokens)",
        max_tokens, parts.post_processor->num_special_tokens());
  parts.post_processor->begin(out);
  const size_t first = out.ids.size();
  // One token more than there is room for tells that text is cut.
  const size_t most = std::min(static_cast<size_t>(room), std::numeric_limits<size_t>::max() / 2);
  append_text(text, parts.truncate_left ? std::numeric_limits<size_t>::max() : first + most + 1, out);
  out.truncated = out.ids.size() - first > most;
  if (out.truncated && parts.truncate_left) {
    out.ids.erase(out.ids.begin() + static_cast<std::ptrdiff_t>(first),
                  out.ids.end() - static_cast<std::ptrdiff_t>(most));
  } else if (out.truncated) {
    out.ids.resize(first + most);
  }
  if (parts.dropped_id >= 0) {
    const auto begin = out.ids.begin() + static_cast<std::ptrdiff_t>(first);
    out.ids.erase(std::remove(begin, out.ids.end(), parts.dropped_id), out.ids.end());
  }
  if (parts.empty_id >= 0 && most > 0 && out.ids.size() == first) out.ids.push_back(parts.empty_id);
  parts.post_processor->end(out);
}

void Tokenizer::Pipeline::append_text(std::string_view text, size_t enough, Encoding& out) const {
  Encoding::Scratch& scratch = out.scratch;
  if (!in_parts_ && utf8::valid_prefix(text) != text.size()) {
    scratch.text.clear();
    utf8::append_repaired(text, scratch.text);
    text = scratch.text;
  }

  AddedTokenMatcher::Cursor cursor;
  for (size_t at = 0; at < text.size() && out.ids.size() < enough;) {
    const size_t limit = in_parts_ ? cut(text, at + kPartBytes, scratch.normalized) : text.size();
    AddedTokenMatcher::Match match{limit, limit, -1};
    const bool matched = !raw_tokens_.empty() && raw_tokens_.next(text, limit, cursor, match);
    if (match.begin > at) append_segment(text.substr(at, match.begin - at), at == 0, enough, out);
    if (matched) out.ids.push_back(match.id);
    at = std::max(at, match.end);
  }
}

// True if words end before `c`, whatever stands around it.
bool Tokenizer::Pipeline::may_cut_before(char32_t c, std::string& scratch) const {
  if (parts.pre_tokenizer == nullptr) return false;
  if (parts.normalizer == nullptr) return parts.pre_tokenizer->separates(c);
  char encoded[4];
  const auto length = static_cast<size_t>(utf8::encode(c, encoded) - encoded);
  scratch.clear();
  parts.normalizer->append({encoded, length}, scratch);
  const char* form = scratch.data();
  return !scratch.empty() && parts.pre_tokenizer->separates(utf8::decode(form));
}

// The first place at or behind `from` where text may be cut.
size_t Tokenizer::Pipeline::cut(std::string_view text, size_t from, std::string& scratch) const {
  if (cuts_ == Cuts::kBetweenPlainWords) {
    for (; from < text.size(); ++from) {
      const auto before = static_cast<uint8_t>(text[from - 1]);
      if (text[from] == ' ' && before > 0x20 && before < 0x7F) return from;
    }
    return text.size();
  }
  while (from < text.size()) {
    const auto lead = static_cast<uint8_t>(text[from]);
    if (lead < 0x80) {
      if (cut_before_ascii_[lead]) return from;
      ++from;
      continue;
    }
    const utf8::Step step = utf8::step(text.substr(from));
    if (step.valid && may_cut_before(step.code_point, scratch)) return from;
    from += step.length;
  }
  return text.size();
}

// `text` holds no raw added token.
void Tokenizer::Pipeline::append_segment(std::string_view text, bool at_start, size_t enough, Encoding& out) const {
  Encoding::Scratch& scratch = out.scratch;
  if (in_parts_ && utf8::valid_prefix(text) != text.size()) {
    scratch.text.clear();
    utf8::append_repaired(text, scratch.text);
    text = scratch.text;
  }
  if (parts.normalizer != nullptr) {
    if (at_start && asks_for_start_ && parts.normalizer->drops_start(text)) at_start = false;
    scratch.normalized.clear();
    parts.normalizer->append(text, scratch.normalized);
    text = scratch.normalized;
  }
  if (normalized_tokens_.empty()) {
    append_normalized(text, at_start, enough, out);
    return;
  }
  AddedTokenMatcher::Cursor cursor;
  for (size_t at = 0; at < text.size();) {
    AddedTokenMatcher::Match match{text.size(), text.size(), -1};
    const bool matched = normalized_tokens_.next(text, text.size(), cursor, match);
    if (match.begin > at) append_normalized(text.substr(at, match.begin - at), at_start && at == 0, enough, out);
    if (matched) out.ids.push_back(match.id);
    at = std::max(at, match.end);
  }
}

void Tokenizer::Pipeline::append_normalized(std::string_view text, bool at_start, size_t enough, Encoding& out) const {
  if (text.empty()) return;
  Words& words = out.scratch.words;
  words.text = text;
  words.at_start = at_start;
  words.spans.assign(1, {0, text.size()});
  if (parts.pre_tokenizer != nullptr) parts.pre_tokenizer->split(words);
  parts.model->append_ids(words.text, words.spans, enough, out.ids);
}

}  // namespace emberline
