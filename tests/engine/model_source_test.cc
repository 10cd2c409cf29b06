// SPDX-License-Identifier: Apache-2.0
#include "engine/model_source.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "base/temporary_directory.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;

// A Hugging Face cache of its own, with the environment that points to it.
class HubCache : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("HF_HUB_CACHE");
    ::setenv("HF_HOME", root_.c_str(), 1);
  }

  fs::path add(const std::string& folder, const std::string& commit, bool with_snapshot = true) {
    const fs::path repository = root_ / "hub" / folder;
    fs::create_directories(repository / "refs");
    std::ofstream(repository / "refs" / "main") << commit << "\n";
    const fs::path snapshot = repository / "snapshots" / commit;
    if (with_snapshot) fs::create_directories(snapshot);
    return snapshot;
  }

  static std::string complaint(const std::string& model, Code code) {
    try {
      find_model_directory(model);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    ADD_FAILURE() << model << " was found";
    return "";
  }

  const TemporaryDirectory folder_;
  const fs::path& root_ = folder_.path();
};

TEST_F(HubCache, DirectoryWins) {
  EXPECT_EQ(find_model_directory(root_.string()), root_);
}

TEST_F(HubCache, IdIsFoundThroughItsMainReference) {
  const fs::path snapshot = add("models--BAAI--bge-small-en-v1.5", "abc123");
  EXPECT_EQ(find_model_directory("BAAI/bge-small-en-v1.5"), snapshot);
}

TEST_F(HubCache, BareNameStandsForSentenceTransformers) {
  const fs::path snapshot = add("models--sentence-transformers--all-MiniLM-L6-v2", "c0ffee");
  EXPECT_EQ(find_model_directory("all-MiniLM-L6-v2"), snapshot);
}

TEST_F(HubCache, CacheVariableWinsOverHome) {
  const fs::path snapshot = add("models--a--b", "1");
  ::setenv("HF_HUB_CACHE", (root_ / "hub").c_str(), 1);
  ::setenv("HF_HOME", "/nowhere", 1);
  EXPECT_EQ(find_model_directory("a/b"), snapshot);
  ::unsetenv("HF_HUB_CACHE");
}

TEST_F(HubCache, MissingModelNamesBothPlacesLookedAt) {
  const std::string text = complaint("nobody/nothing", Code::kIo);
  EXPECT_NE(text.find("directory " + fs::absolute("nobody/nothing").string()), std::string::npos) << text;
  EXPECT_NE(text.find((root_ / "hub" / "models--nobody--nothing").string()), std::string::npos) << text;
}

TEST_F(HubCache, HalfDownloadedSnapshotIsNotAModel) {
  add("models--a--b", "deadbeef", false);
  complaint("a/b", Code::kIo);
}

TEST_F(HubCache, ReferenceThatClimbsOutOfTheCacheIsNotFollowed) {
  add("models--a--b", "../../../..");
  complaint("a/b", Code::kIo);
}

TEST_F(HubCache, TextThatIsNoIdIsOnlyAPath) {
  const std::string text = complaint("../a/b/c", Code::kIo);
  EXPECT_EQ(text.find("Hugging Face cache"), std::string::npos) << text;
}

TEST_F(HubCache, FileIsNotAModel) {
  const fs::path file = root_ / "model.bin";
  std::ofstream(file) << "x";
  EXPECT_NE(complaint(file.string(), Code::kIo).find("is a file"), std::string::npos);
}

TEST_F(HubCache, EmptyTextIsTheCallersMistake) {
  complaint("", Code::kInvalidArgument);
}

}  // namespace
}  // namespace emberline
