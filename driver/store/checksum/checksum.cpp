#include "driver/store/checksum/checksum.h"

#include <cinttypes>
#include <cstdio>

#ifdef NDARRAY_HAS_AVX2
#include "driver/store/checksum/xxh3_avx2.h"
#endif

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ndarray {
namespace {

// As every processor of this kind has: SSE2, NEON.
uint64_t Baseline(const void* bytes, size_t size_bytes) { return XXH3_64bits(bytes, size_bytes); }

std::string Hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof(text), value > UINT32_MAX ? "%016" PRIx64 : "%08" PRIx64, value);
  return text;
}

}  // namespace

std::vector<ChecksumKernel> ChecksumKernels() {
  std::vector<ChecksumKernel> kernels;
#ifdef NDARRAY_HAS_AVX2
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) kernels.push_back({"AVX2", Xxh3Avx2});
#endif
  kernels.push_back({"baseline", Baseline});
  return kernels;
}

uint64_t Checksum64(std::string_view bytes) {
  static const auto checksum = ChecksumKernels().front().checksum;
  return checksum(bytes.data(), bytes.size());
}

uint32_t ZstdChecksum(std::string_view bytes) {
  return static_cast<uint32_t>(XXH64(bytes.data(), bytes.size(), 0));
}

Status CheckSum(std::string_view field, uint64_t found, uint64_t wanted) {
  return found == wanted ? Status() : Corrupt(field, Hex(found), Hex(wanted));
}

}  // namespace ndarray
