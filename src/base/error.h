// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one exception class of the engine, and `check`, the one way to throw it.
//
//   check(rows > 0, Code::kInvalidArgument, "embed: got {} rows, expected at least {}", rows, 1);
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emberline {

// Same values as emb_code in emberline.h.
enum class Code {
  kInvalidArgument = 1,
  kIo = 2,
  kFormat = 3,
  kUnsupported = 4,
  kOutOfMemory = 5,
  kDevice = 6,
  kInternal = 7,
  kCancelled = 8,
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

// Replaces each "{}" of `pattern` by the next part.
std::string join_message(std::string_view pattern, const std::vector<std::string>& parts);

template <typename T>
std::string to_text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

template <typename... Args>
std::string message(std::string_view pattern, const Args&... args) {
  return join_message(pattern, {to_text(args)...});
}

template <typename... Args>
[[noreturn]] void fail(Code code, std::string_view pattern, const Args&... args) {
  throw Error(code, message(pattern, args...));
}

// Throws Error(code, message) unless `condition` holds. The arguments are formatted only on failure.
template <typename... Args>
void check(bool condition, Code code, std::string_view pattern, const Args&... args) {
  if (!condition) fail(code, pattern, args...);
}

}  // namespace emberline
