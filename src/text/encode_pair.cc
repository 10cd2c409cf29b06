// SPDX-License-Identifier: Apache-2.0
// Two texts as one sequence.
#include <algorithm>
#include <limits>
#include <span>

#include "base/error.h"
#include "text/pair_lengths.h"
#include "text/pipeline.h"
#include "text/tokenizer.h"

namespace emberline {
namespace {

constexpr size_t kAll = std::numeric_limits<size_t>::max();

std::span<const int32_t> kept(const std::vector<int32_t>& ids, size_t count, bool is_end) {
  return std::span(ids).subspan(is_end ? ids.size() - count : 0, count);
}

}  // namespace

void Tokenizer::encode_pair(std::string_view first, std::string_view second, int64_t max_tokens, PairScratch& scratch,
                            Encoding& out) const {
  const TokenizerParts& parts = pipeline_->parts;
  const PostProcessor& post_processor = *parts.post_processor;
  check(post_processor.joins_pairs(), Code::kUnsupported,
        "{}: does not say how two texts become one sequence, expected a template for pairs", parts.description);
  const int64_t num_special = post_processor.num_pair_special_tokens();
  check(max_tokens >= num_special, Code::kInvalidArgument,
        "encode_pair: got max_tokens={}, expected at least {} (the special tokens)", max_tokens, num_special);
  const size_t room = std::min(static_cast<size_t>(max_tokens - num_special), kAll / 8);

  std::vector<int32_t>& first_ids = scratch.first.ids;
  std::vector<int32_t>& second_ids = scratch.second.ids;
  // One token more than there is room for tells that a text is cut. Which of two such texts is the longer one matters
  // where they share an odd room; then more of both is read until one has ended.
  for (size_t enough = parts.truncate_left ? kAll : room + 1;; enough = enough > kAll / 4 ? kAll : 4 * enough) {
    if (scratch.first_enough < enough || scratch.first_text != first) {
      scratch.first_enough = 0;
      first_ids.clear();
      pipeline_->append_text(first, enough, scratch.first);
      scratch.first_text = first;
      scratch.first_enough = enough;
    }
    second_ids.clear();
    pipeline_->append_text(second, enough, scratch.second);
    const bool is_decided = room % 2 == 0 || std::min(first_ids.size(), second_ids.size()) < enough;
    if (is_decided) break;
  }
  const PairLengths whole = {first_ids.size(), second_ids.size()};
  const PairLengths lengths = longest_first(whole, room);
  out.truncated = lengths.first < whole.first || lengths.second < whole.second;
  post_processor.join(kept(first_ids, lengths.first, parts.truncate_left),
                      kept(second_ids, lengths.second, parts.truncate_left), out);
}

}  // namespace emberline
