// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "emberline.h"

namespace {

TEST(LastError, IsOfItsThreadAlone) {
  emb_options* options = nullptr;
  ASSERT_EQ(emb_options_create(&options), EMB_OK);
  EXPECT_EQ(emb_options_set(options, "nonsense", "1"), EMB_INVALID_ARGUMENT);
  std::string elsewhere = "unset";
  std::thread([&] { elsewhere = emb_last_error(); }).join();
  EXPECT_EQ(elsewhere, "");
  EXPECT_NE(std::string(emb_last_error()).find("nonsense"), std::string::npos);
  EXPECT_EQ(emb_options_set(options, "dims", "3"), EMB_OK);
  EXPECT_STREQ(emb_last_error(), "");
  emb_options_release(options);
}

TEST(LastError, EndlessValueIsCutAtAWholeCharacter) {
  emb_options* options = nullptr;
  ASSERT_EQ(emb_options_create(&options), EMB_OK);
  for (size_t shift = 0; shift < 3; ++shift) {
    std::string value(shift, 'x');
    for (int i = 0; i < 5000; ++i) value += "\xe6\x9d\xb1";
    EXPECT_EQ(emb_options_set(options, "dims", value.c_str()), EMB_INVALID_ARGUMENT);
    const std::string text = emb_last_error();
    EXPECT_LT(text.size(), 4096U);
    EXPECT_GT(text.size(), 4000U);
    EXPECT_EQ(text.substr(text.size() - 3), "\xe6\x9d\xb1");
  }
  emb_options_release(options);
}

}  // namespace
