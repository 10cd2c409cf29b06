// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/temporary_directory.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& text) const {
    directory_.write(name, text);
    return root_ / name;
  }
  template <typename Body>
  static std::string complaint(const Body& body) {
    try {
      body();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kIo);
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }

  const TemporaryDirectory directory_;
  const fs::path& root_ = directory_.path();
};

TEST_F(Files, MappingHoldsTheBytesAndMoves) {
  MappedFile first(write("a", std::string("ab\0c", 4)));
  const MappedFile second(std::move(first));
  ASSERT_EQ(second.bytes().size(), 4U);
  EXPECT_EQ(std::memcmp(second.bytes().data(), "ab\0c", 4), 0);
  EXPECT_EQ(first.bytes().size(), 0U);  // NOLINT(bugprone-use-after-move): empty by contract
}

TEST_F(Files, EmptyFileMapsToNothing) {
  EXPECT_TRUE(MappedFile(write("empty", "")).bytes().empty());
}

TEST_F(Files, MissingFileAndDirectoryAreNamed) {
  EXPECT_NE(complaint([&] { MappedFile(root_ / "none"); }).find("none: No such file"), std::string::npos);
  EXPECT_NE(complaint([&] { MappedFile{root_}; }).find("not a regular file"), std::string::npos);
  EXPECT_NE(complaint([&] { read_text_file(root_ / "none"); }).find("none"), std::string::npos);
}

TEST_F(Files, TextAboveTheLimitIsRefusedBeforeItIsRead) {
  const fs::path file = write("text", "0123456789");
  EXPECT_EQ(read_text_file(file, 10), "0123456789");
  EXPECT_NE(complaint([&] { read_text_file(file, 9); }).find("got 10 bytes, expected at most 9"), std::string::npos);
}

}  // namespace
}  // namespace emberline
