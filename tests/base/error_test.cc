// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

namespace emberline {
namespace {

TEST(Message, FillsPlacesInOrder) {
  EXPECT_EQ(message("{}: got {}, expected {}", "a", 1, 2.5), "a: got 1, expected 2.5");
}

TEST(Message, PartThatHoldsBracesIsNotFilledAgain) {
  EXPECT_EQ(message("{} {}", "{}", "x"), "{} x");
}

TEST(Message, PlacesWithoutPartsStay) {
  EXPECT_EQ(message("{} {}", 1), "1 {}");
}

TEST(Check, ThrowsTheCodeAndTheMessage) {
  EXPECT_NO_THROW(check(true, Code::kIo, "never"));
  try {
    check(false, Code::kFormat, "{} is wrong", "header");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kFormat);
    EXPECT_STREQ(error.what(), "header is wrong");
  }
}

}  // namespace
}  // namespace emberline
