// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the text tests share: a directory of their own, the committed tokenizer, and the message of a refusal.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/temporary_directory.h"

namespace emberline {

using Json = nlohmann::json;

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::filesystem::path test_data() {
  return std::filesystem::path(EMB_SOURCE_DIR) / "tests/data/text";
}
inline Json tiny_tokenizer() {
  return Json::parse(read_whole(test_data() / "tokenizer.json"));
}

// Runs `body`, which must throw Error(code), and returns its message.
template <typename Body>
std::string refusal(Code code, const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

// A directory that is gone when the test ends.
class DirectoryTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const { folder_.write(name, text); }
  void write(const std::string& name, const Json& json) const { write(name, json.dump()); }

  const TemporaryDirectory folder_;
  const std::filesystem::path& directory_ = folder_.path();
};

}  // namespace emberline
