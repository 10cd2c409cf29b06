// SPDX-License-Identifier: Apache-2.0
#include "engine/packed_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/temporary_directory.h"
#include "column.h"
#include "engine/engine.h"
#include "info_of.h"

namespace emberline {
namespace {

namespace fs = std::filesystem;
using testing::data_path;
using testing::embed;
using testing::info_of;
using testing::mixed_texts;
using testing::options_of;
using testing::same_bits;

// A directory of its own, gone with the test.
class PackedCacheTest : public ::testing::Test {
 protected:
  // A file that keeps two entries.
  fs::path write(const std::string& key = "key") const {
    const fs::path file = directory_ / "model.packed";
    PackedCache cache(file, key);
    cache.keep("numbers", numbers_, sizeof(numbers_));
    cache.keep("word", "four", 4);
    cache.save();
    return file;
  }

  std::string bytes_of(const fs::path& file) const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void replace(const fs::path& file, const std::string& bytes) const {
    fs::remove(file);
    std::ofstream(file, std::ios::binary) << bytes;
    ::chmod(file.c_str(), 0600);
  }

  const TemporaryDirectory folder_;
  const fs::path& directory_ = folder_.path();
  float numbers_[3] = {1, 2, 3};
};

TEST_F(PackedCacheTest, EntryIsNotWhatWasKept) {
  const PackedCache cache(write(), "key");
  ASSERT_TRUE(cache.is_read());
  const std::byte* numbers = cache.find("numbers", sizeof(numbers_));
  ASSERT_NE(numbers, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(numbers) % 64, 0U);
  EXPECT_TRUE(std::equal(numbers_, numbers_ + 3, reinterpret_cast<const float*>(numbers)));
  EXPECT_EQ(std::memcmp(cache.find("word", 4), "four", 4), 0);
  EXPECT_EQ(cache.find("word", 5), nullptr);
  EXPECT_EQ(cache.find("other", 4), nullptr);
}

TEST_F(PackedCacheTest, FileOfAnotherKeyIsRead) {
  const fs::path file = write("key of an older model");
  EXPECT_FALSE(PackedCache(file, "key").is_read());
  write("key");
  EXPECT_TRUE(PackedCache(file, "key").is_read());
}

TEST_F(PackedCacheTest, FileThatOthersMayWriteIsRead) {
  const fs::path file = write();
  ::chmod(file.c_str(), 0666);
  EXPECT_FALSE(PackedCache(file, "key").is_read());
}

TEST_F(PackedCacheTest, BrokenFileCrashesOrReachesBehindItsEnd) {
  const fs::path file = write();
  const std::string whole = bytes_of(file);
  std::mt19937 generator(7);
  const auto try_to_read = [&](const std::string& bytes) {
    replace(file, bytes);
    const PackedCache cache(file, "key");
    const std::byte* found = cache.find("word", 4);
    EXPECT_TRUE(found == nullptr || found[3] <= std::byte{255});
  };
  const size_t padding = 63;  // behind the last entry, at most
  for (size_t length = 0; length < whole.size() - padding; ++length) {
    replace(file, whole.substr(0, length));
    EXPECT_FALSE(PackedCache(file, "key").is_read()) << length;
  }
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[generator() % 160 % bytes.size()] = static_cast<char>(generator());
    try_to_read(bytes);
  }
  for (const char* entry : {"[-64, 4]", "[0, -4]", "[64, 99999999]", "[9223372036854775744, 4]", "[1, 4]", "{}", "4"}) {
    const std::string header = R"({"key": "key", "entries": {"word": )" + std::string(entry) + "}}";
    const auto length = static_cast<int64_t>(header.size());
    std::string bytes = "EMBPACK1" + std::string(reinterpret_cast<const char*>(&length), 8) + header;
    replace(file, bytes + std::string(200, 'x'));
    EXPECT_FALSE(PackedCache(file, "key").is_read()) << entry;
  }
}

TEST_F(PackedCacheTest, FailedWriteLeavesPiecesBehind) {
  const fs::path blocked = directory_ / "file";
  std::ofstream(blocked) << "no directory";
  PackedCache cache(blocked / "model.packed", "key");
  cache.keep("word", "four", 4);
  EXPECT_THROW(cache.save(), Error);
  PackedCache other(directory_ / "deeper" / "model.packed", "key");
  other.keep("word", "four", 4);
  other.save();
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_ / "deeper"), {}), 1);
}

class PackedModelTest : public PackedCacheTest, public ::testing::WithParamInterface<DType> {
 protected:
  Engine load(const fs::path& model, const fs::path& cache) const {
    Options options = options_of({{"dtype", dtype_name(GetParam())}});
    options.cache_dir = cache.string();
    return Engine::load(model.string(), options);
  }
};

TEST_P(PackedModelTest, VectorsChangeWhereWeightsComeFromTheCache) {
  const auto texts = mixed_texts(40);
  for (const char* name : {"tiny-mean", "tiny-dense", "tiny-sharded"}) {
    const Engine plain = load(data_path(name), "");
    EXPECT_TRUE(info_of(plain)["cache_file"].is_null());
    const auto expected = embed(plain, texts);
    for (int round = 0; round < 2; ++round) {
      const Engine cached = load(data_path(name), directory_);
      EXPECT_TRUE(fs::exists(info_of(cached)["cache_file"].get<std::string>()));
      ASSERT_TRUE(same_bits(embed(cached, texts).data, expected.data)) << name << ", load " << round;
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 3);
}

TEST_P(PackedModelTest, ChangedModelStillHasItsOldVectors) {
  const fs::path model = directory_ / "model";
  const auto texts = mixed_texts(5);
  fs::copy(data_path("tiny-mean"), model, fs::copy_options::recursive);
  load(model, directory_ / "cache");
  fs::remove_all(model);
  fs::copy(data_path("tiny-cls"), model, fs::copy_options::recursive);
  const auto expected = embed(load(model, ""), texts);
  EXPECT_TRUE(same_bits(embed(load(model, directory_ / "cache"), texts).data, expected.data));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_ / "cache"), {}), 1);
}

TEST_P(PackedModelTest, CacheThatCannotBeWrittenFailsTheLoad) {
  std::ofstream(directory_ / "file") << "no directory";
  const Engine engine = load(data_path("tiny-mean"), directory_ / "file");
  const nlohmann::json info = info_of(engine);
  EXPECT_TRUE(info["cache_file"].is_null());
  EXPECT_NE(info["warnings"].dump().find("not kept"), std::string::npos) << info["warnings"];
}

TEST_P(PackedModelTest, LinkToNowhereAmongTheModelsFilesFailsTheLoad) {
  const fs::path model = directory_ / "model";
  fs::copy(data_path("tiny-mean"), model, fs::copy_options::recursive);
  fs::create_symlink("nowhere", model / "extra.json");
  const nlohmann::json info = info_of(load(model, directory_ / "cache"));
  EXPECT_TRUE(info["cache_file"].is_null());
  EXPECT_NE(info["warnings"].dump().find("extra.json"), std::string::npos) << info["warnings"];
}

INSTANTIATE_TEST_SUITE_P(Dtypes, PackedModelTest, ::testing::Values(DType::kF32, DType::kBF16, DType::kI8),
                         [](const auto& test) { return dtype_name(test.param); });

}  // namespace
}  // namespace emberline
