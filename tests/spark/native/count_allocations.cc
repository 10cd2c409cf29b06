// SPDX-License-Identifier: Apache-2.0
// Loaded before all else into a JVM (LD_PRELOAD): counts what libemberline allocated or mapped and nobody has given
// back. The sum stands in the file $EMBERLINE_ALLOCATIONS/PROCESS: pieces, then bytes, as two 64-bit numbers.
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* piece);
}

namespace {

struct Sum {
  std::atomic<int64_t> pieces;
  std::atomic<int64_t> bytes;
};

Sum* sum = nullptr;
std::atomic<uintptr_t> library_begin{0};
std::atomic<uintptr_t> library_end{0};

struct Piece {
  void* address;
  int64_t bytes;
  Piece* next;
};

constexpr size_t kChains = 1 << 14;
Piece* chains[kChains];
std::atomic_flag locks[kChains];

size_t chain_of(const void* address) {
  return (reinterpret_cast<uintptr_t>(address) >> 4) * 0x9E3779B97F4A7C15ULL >> 50;
}

class Locked {
 public:
  explicit Locked(size_t chain) : lock_(locks[chain]) {
    while (lock_.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Locked() { lock_.clear(std::memory_order_release); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  std::atomic_flag& lock_;
};

bool is_library(const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  return address < library_end.load(std::memory_order_acquire) && address >= library_begin.load();
}

void* remember(void* address, size_t bytes, const void* caller) {
  if (address == nullptr || !is_library(caller)) return address;
  auto* piece = static_cast<Piece*>(__libc_malloc(sizeof(Piece)));
  const size_t chain = chain_of(address);
  const Locked locked(chain);
  *piece = {address, static_cast<int64_t>(bytes), chains[chain]};
  chains[chain] = piece;
  sum->pieces += 1;
  sum->bytes += piece->bytes;
  return address;
}

void forget(const void* address) {
  if (address == nullptr || library_end.load(std::memory_order_relaxed) == 0) return;
  const size_t chain = chain_of(address);
  Piece* found = nullptr;
  {
    const Locked locked(chain);
    Piece** link = &chains[chain];
    while (*link != nullptr && (*link)->address != address) link = &(*link)->next;
    found = *link;
    if (found == nullptr) return;
    *link = found->next;
    sum->pieces -= 1;
    sum->bytes -= found->bytes;
  }
  __libc_free(found);
}

int note_library(dl_phdr_info* object, size_t, void*) {
  if (std::strstr(object->dlpi_name, "emberline") == nullptr) return 0;
  uintptr_t end = 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type == PT_LOAD && part.p_vaddr + part.p_memsz > end) end = part.p_vaddr + part.p_memsz;
  }
  library_begin = object->dlpi_addr;
  library_end.store(object->dlpi_addr + end, std::memory_order_release);
  return 1;
}

// The library comes with the first task that embeds: it is looked for as long as it is not there.
void* wait_for_library(void*) {
  while (dl_iterate_phdr(note_library, nullptr) == 0) usleep(10'000);
  return nullptr;
}

__attribute__((constructor)) void begin() {
  const char* folder = std::getenv("EMBERLINE_ALLOCATIONS");
  char name[4096] = "";
  const int self = open("/proc/self/comm", O_RDONLY);
  if (self < 0 || folder == nullptr) return;
  const ssize_t length = read(self, name, 4);
  close(self);
  if (length != 4 || std::memcmp(name, "java", 4) != 0) return;  // tools and Python inherit the variable
  std::snprintf(name, sizeof(name), "%s/%d", folder, getpid());
  const int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || ftruncate(file, sizeof(Sum)) != 0) std::abort();
  void* shared = mmap(nullptr, sizeof(Sum), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (shared == MAP_FAILED) std::abort();
  close(file);
  sum = static_cast<Sum*>(shared);
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, wait_for_library, nullptr) != 0) std::abort();
  pthread_detach(thread);
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  return remember(__libc_malloc(size), size, __builtin_return_address(0));
}

void* realloc(void* old, size_t size) {
  forget(old);
  return remember(__libc_realloc(old, size), size, __builtin_return_address(0));
}

void* aligned_alloc(size_t alignment, size_t size) {
  return remember(__libc_memalign(alignment, size), size, __builtin_return_address(0));
}

int posix_memalign(void** piece, size_t alignment, size_t size) {
  *piece = remember(__libc_memalign(alignment, size), size, __builtin_return_address(0));
  return *piece == nullptr ? ENOMEM : 0;
}

void free(void* piece) {
  forget(piece);
  __libc_free(piece);
}

void* mmap(void* place, size_t size, int protection, int flags, int file, off_t offset) {
  void* address = reinterpret_cast<void*>(syscall(SYS_mmap, place, size, protection, flags, file, offset));
  if (address != MAP_FAILED) remember(address, size, __builtin_return_address(0));
  return address;
}

int munmap(void* address, size_t size) {
  forget(address);
  return static_cast<int>(syscall(SYS_munmap, address, size));
}
}
