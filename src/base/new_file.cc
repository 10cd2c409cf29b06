// SPDX-License-Identifier: Apache-2.0
#include "base/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace emberline {
namespace {

constexpr int kMostNames = 1000;  // that a process killed while writing may have left

}  // namespace

NewFile::NewFile(const std::filesystem::path& target, mode_t permissions) : target_(target) {
  static std::atomic<unsigned> count{0};
  for (int i = 0; i < kMostNames; ++i) {
    path_ = message("{}.partial-{}-{}", target.string(), ::getpid(), ++count);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    if (fd_ >= 0 || errno != EEXIST) break;
  }
  check(fd_ >= 0, Code::kIo, "write {}: {}", target.string(), std::strerror(errno));
}

NewFile::~NewFile() {
  ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

void NewFile::write_at(int64_t offset, const void* data, int64_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::pwrite(fd_, from, static_cast<size_t>(bytes), offset);
    if (done < 0 && errno == EINTR) continue;
    check(done > 0, Code::kIo, "write {}: {}", path_, done == 0 ? "nothing was written" : std::strerror(errno));
    from += done;
    offset += done;
    bytes -= done;
  }
}

void NewFile::finish(int64_t bytes) {
  // A crash must not leave the name with less than the contents.
  const bool written = ::ftruncate(fd_, bytes) == 0 && ::fsync(fd_) == 0;
  check(written && ::rename(path_.c_str(), target_.c_str()) == 0, Code::kIo, "write {}: {}", target_.string(),
        std::strerror(errno));
  path_.clear();
}

}  // namespace emberline
