// SPDX-License-Identifier: Apache-2.0
#include "text/vocab_and_merges.h"

#include <algorithm>

#include "base/error.h"
#include "text/json_node.h"
#include "text/model_json.h"
#include "text/utf8.h"

namespace emberline {
namespace {

// Tokens that are added get the ids behind the last piece, which must not be another piece's.
void check_no_hole(const Vocabulary& vocabulary) {
  const auto last = std::max_element(vocabulary.begin(), vocabulary.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (static_cast<size_t>(last->second) + 1 == vocabulary.size()) return;
  std::vector<bool> there(vocabulary.size(), false);
  for (const auto& [piece, id] : vocabulary) {
    if (static_cast<size_t>(id) < there.size()) there[static_cast<size_t>(id)] = true;
  }
  const auto hole = std::find(there.begin(), there.end(), false) - there.begin();
  fail(Code::kFormat,
       "vocab.json: has {} pieces and piece \"{}\" with id {}, but no piece with id {}; expected ids without a hole",
       vocabulary.size(), last->first, last->second, hole);
}

void check_is_piece(const Vocabulary& vocabulary, const std::string& piece, size_t line,
                    const std::pair<std::string, std::string>& merge) {
  const auto found = std::lower_bound(vocabulary.begin(), vocabulary.end(), piece,
                                      [](const auto& entry, const std::string& text) { return entry.first < text; });
  check(found != vocabulary.end() && found->first == piece, Code::kFormat,
        "merges.txt: line {} joins \"{}\" and \"{}\", but vocab.json has no piece \"{}\"", line, merge.first,
        merge.second, piece);
}

}  // namespace

BpeConfig read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt) {
  BpeConfig config;
  const JsonFile json = JsonFile::parse(vocab_json, "vocab.json");
  config.vocab = json.root().ids();
  check(!config.vocab.empty(), Code::kFormat, "vocab.json: has no pieces");
  check_ids_differ(config.vocab, "vocab.json");
  check_no_hole(config.vocab);

  const size_t valid = utf8::valid_prefix(merges_txt);
  check(valid == merges_txt.size(), Code::kFormat, "merges.txt: invalid UTF-8 at byte {}", valid);
  size_t line_number = 0;
  for (size_t at = 0; at < merges_txt.size();) {
    const size_t newline = std::min(merges_txt.find('\n', at), merges_txt.size());
    std::string_view line = merges_txt.substr(at, newline - at);
    at = newline + 1;
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    check(space != std::string_view::npos && line.find(' ', space + 1) == std::string_view::npos, Code::kFormat,
          "merges.txt: line {} is \"{}\", expected two pieces with a space between them", line_number,
          std::string(line));
    const std::pair<std::string, std::string> merge(line.substr(0, space), line.substr(space + 1));
    check_is_piece(config.vocab, merge.first, line_number, merge);
    check_is_piece(config.vocab, merge.second, line_number, merge);
    check_is_piece(config.vocab, merge.first + merge.second, line_number, merge);
    config.merges.push_back(merge);
  }
  return config;
}

}  // namespace emberline
