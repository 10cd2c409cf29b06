// SPDX-License-Identifier: Apache-2.0
#pragma once
// A file that is there whole or not at all, whoever reads at the same time and whatever fails.
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace emberline {

// Lies beside its target under a name of its own, gone with the object unless it was renamed.
// Throws Error(kIo) that names the path and the system's reason.
class NewFile {
 public:
  // permissions: as open(2) has them, less the process's umask.
  NewFile(const std::filesystem::path& target, mode_t permissions);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write_at(int64_t offset, const void* data, int64_t bytes);
  // Makes it the target, `bytes` long; what had that name is gone.
  void finish(int64_t bytes);

 private:
  std::filesystem::path target_;
  std::string path_;  // empty once it is the target
  int fd_ = -1;
};

}  // namespace emberline
