#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "driver/store/io/memory_map.h"

namespace ndarray {
namespace {

uint64_t PageBytes() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

// What a limit on address space (ulimit -v) leaves.
uint64_t FreeAddressSpace() {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  unsigned long long pages = 0;  // NOLINT: what scanf takes
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return UINT64_MAX;
  const bool known = std::fscanf(file, "%llu", &pages) == 1;  // NOLINT: numbers of the kernel
  std::fclose(file);
  if (!known) return UINT64_MAX;
  const uint64_t used_bytes = pages * PageBytes();
  return limit.rlim_cur > used_bytes ? limit.rlim_cur - used_bytes : 0;
}

}  // namespace

MemoryMap::MemoryMap(int descriptor, uint64_t size_bytes) {
  if (size_bytes == 0 || size_bytes > SIZE_MAX || size_bytes > FreeAddressSpace() / 2) return;
  void* const start = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (start == MAP_FAILED) return;
  start_ = static_cast<std::byte*>(start);
  size_bytes_ = size_bytes;
}

MemoryMap::~MemoryMap() {
  if (start_ != nullptr) munmap(start_, size_bytes_);
}

void MemoryMap::Release(uint64_t offset_bytes, uint64_t size_bytes) const {
  if (offset_bytes >= size_bytes_) return;
  const uint64_t start = offset_bytes / PageBytes() * PageBytes();
  const uint64_t end = offset_bytes + std::min(size_bytes, size_bytes_ - offset_bytes);
  madvise(start_ + start, end - start, MADV_DONTNEED);  // failure is no matter
}

WritableMap::WritableMap(int descriptor, uint64_t offset_bytes, size_t size_bytes) {
  const uint64_t before = offset_bytes % PageBytes();
  const size_t pages_bytes = size_bytes + static_cast<size_t>(before);
  void* const pages = mmap(nullptr, pages_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor,
                           static_cast<off_t>(offset_bytes - before));
  if (pages == MAP_FAILED) return;
  pages_ = pages;
  pages_bytes_ = pages_bytes;
  start_ = static_cast<std::byte*>(pages) + before;
}

WritableMap::~WritableMap() {
  if (pages_ != nullptr) munmap(pages_, pages_bytes_);
}

}  // namespace ndarray
