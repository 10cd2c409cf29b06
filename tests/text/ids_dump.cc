// SPDX-License-Identifier: Apache-2.0
// ids_dump MODEL_DIR MAX_TOKENS [lower-case-first]: reads lines (int32 length, bytes) from stdin, writes
// for each one int32 count, int32 truncated, int32 ids[count] to stdout. Warnings of the tokenizer go to stderr.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const bool lower_case_first = argc > 3 && std::string_view(argv[3]) == "lower-case-first";
    const auto tokenizer = emberline::Tokenizer::load(argv[1], lower_case_first);
    for (const std::string& warning : tokenizer.warnings()) std::fprintf(stderr, "%s\n", warning.c_str());
    const int64_t max_tokens = std::atoll(argv[2]);
    emberline::Encoding encoding;
    std::string line;
    int32_t length = 0;
    while (std::fread(&length, sizeof(length), 1, stdin) == 1 && length >= 0) {
      line.resize(static_cast<size_t>(length));
      if (length > 0 && std::fread(line.data(), line.size(), 1, stdin) != 1) return 3;
      tokenizer.encode(line, max_tokens, encoding);
      const int32_t head[2] = {static_cast<int32_t>(encoding.ids.size()), encoding.truncated};
      std::fwrite(head, sizeof(head), 1, stdout);
      std::fwrite(encoding.ids.data(), sizeof(int32_t), encoding.ids.size(), stdout);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
