// SPDX-License-Identifier: Apache-2.0
#include "text/python_lower.h"

#include <gtest/gtest.h>

namespace emberline {
namespace {

std::string lower(std::string_view text) {
  std::string out;
  append_python_lower(text, out);
  return out;
}

// The right sides are what Python 3.11's str.lower gives.
TEST(PythonLower, SpecialCasesAreAsInPython) {
  EXPECT_EQ(lower("HELLO World 1"), "hello world 1");
  EXPECT_EQ(lower("ÉCOLE ẞ Ǆ"), "école ß ǆ");
  EXPECT_EQ(lower("İI"), "i̇i");
  EXPECT_EQ(lower("\U00010400"), "\U00010428");
  EXPECT_EQ(lower("\uA7CB"), "\uA7CB");  // a letter younger than Python 3.11
}

TEST(PythonLower, SigmaEndsAWordOnlyBehindALetterAndBeforeNone) {
  EXPECT_EQ(lower("ΟΔΟΣ"), "οδος");
  EXPECT_EQ(lower("ΟΔΟΣ ΟΔΟΣ."), "οδος οδος.");
  EXPECT_EQ(lower("Σ"), "σ");
  EXPECT_EQ(lower("ΣΑΣ"), "σας");
  EXPECT_EQ(lower("ΑΣΑ"), "ασα");
  EXPECT_EQ(lower("Α'Σ'Α"), "α'σ'α");  // an apostrophe is looked through
  EXPECT_EQ(lower("Α\u0301Σ\u0301"), "α\u0301ς\u0301");
  EXPECT_EQ(lower("1Σ"), "1σ");
  EXPECT_EQ(lower("ΑΣ1"), "ας1");
}

}  // namespace
}  // namespace emberline
