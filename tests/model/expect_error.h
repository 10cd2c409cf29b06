// SPDX-License-Identifier: Apache-2.0
#pragma once
// Holds a failure to its code and to what its message must say.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace emberline {

template <typename Call>
void expect_error(Code code, const std::vector<std::string>& parts, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << "\"" << part << "\" in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "nothing was refused; expected a message with \"" << (parts.empty() ? "" : parts.front()) << "\"";
}

}  // namespace emberline
