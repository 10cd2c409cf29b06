// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/amx_permission.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

namespace emberline::cpu {
namespace {

#if defined(__linux__) && defined(__x86_64__)

constexpr long kGetPermissions = 0x1022;  // ARCH_GET_XCOMP_PERM
constexpr long kAskPermission = 0x1023;   // ARCH_REQ_XCOMP_PERM
constexpr long kTileData = 18;

AmxPermission ask() {
  if (::syscall(SYS_arch_prctl, kAskPermission, kTileData) != 0) {
    const int error = errno;
    const std::string name = std::generic_category().message(error);
    if (error == EINVAL || error == ENOSYS) return {false, "the kernel is older than 5.16 (" + name + ")"};
    if (error == ENOSPC) return {false, "a thread's alternate signal stack is too small for tiles (" + name + ")"};
    return {false, "the kernel refused the tile registers (" + name + ")"};
  }
  // A sandbox may answer a call that it swallowed with success.
  unsigned long granted = 0;
  if (::syscall(SYS_arch_prctl, kGetPermissions, &granted) != 0 || ((granted >> kTileData) & 1U) == 0) {
    return {false, "the kernel did not grant the tile registers it was asked for"};
  }
  return {true, ""};
}

#else

AmxPermission ask() {
  return {false, "this system has no tile registers"};
}

#endif

}  // namespace

const AmxPermission& amx_permission() {
  static const AmxPermission permission = ask();
  return permission;
}

}  // namespace emberline::cpu
