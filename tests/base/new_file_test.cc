// SPDX-License-Identifier: Apache-2.0
#include "base/new_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/temporary_directory.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

class NewFiles : public ::testing::Test {
 protected:
  static void write(NewFile& file, std::string_view text) {
    file.write_at(0, text.data(), static_cast<int64_t>(text.size()));
  }
  ptrdiff_t num_files() const { return std::distance(fs::directory_iterator(directory_.path()), {}); }

  const TemporaryDirectory directory_;
  const fs::path target_ = directory_.path() / "file";
};

TEST_F(NewFiles, TargetChangesBeforeAllIsWritten) {
  directory_.write("file", "what was there");
  NewFile file(target_, 0600);
  write(file, "new and longer than it may be");
  EXPECT_EQ(read_text_file(target_), "what was there");
  file.finish(3);
  EXPECT_EQ(read_text_file(target_), "new");
  EXPECT_EQ(num_files(), 1);
}

TEST_F(NewFiles, FileThatWasGivenUpStays) {
  {
    NewFile file(target_, 0600);
    write(file, "half");
    EXPECT_EQ(num_files(), 1);
  }
  EXPECT_EQ(num_files(), 0);
}

TEST_F(NewFiles, TwoWritersMeet) {
  NewFile first(target_, 0600), second(target_, 0600);
  write(first, "first");
  write(second, "second");
  second.finish(6);
  first.finish(5);
  EXPECT_EQ(read_text_file(target_), "first");
}

TEST_F(NewFiles, PermissionsAreOthers) {
  NewFile(target_, 0640).finish(0);
  struct stat status{};
  ASSERT_EQ(::stat(target_.c_str(), &status), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(status.st_mode & 0777U, 0640U & ~mask);
}

TEST_F(NewFiles, FolderThatIsMissingIsNotNamed) {
  try {
    NewFile(directory_.path() / "none" / "file", 0600);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kIo);
    EXPECT_NE(std::string(error.what()).find("none/file: No such file"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace emberline
