// SPDX-License-Identifier: Apache-2.0
#pragma once
// The message about a stage that is not known.
#include <map>
#include <string>

#include "base/error.h"
#include "text/json_node.h"

namespace emberline {

template <typename Value>
std::string names_of(const std::map<std::string, Value>& readers) {
  std::string names;
  for (const auto& [name, reader] : readers) names += (names.empty() ? "" : ", ") + name;
  return names;
}

[[noreturn]] inline void fail_stage(const JsonNode& node, const std::string& type, const std::string& known) {
  fail(Code::kUnsupported, "{}: unknown stage \"{}\"; known here: {}", node.place(), type, known);
}

}  // namespace emberline
