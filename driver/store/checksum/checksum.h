// Checksums of bytes: XXH3 (xxHash), by the vector instructions that this machine has, and XXH64,
// which ZSTD's frames carry. The same bytes have the same checksum on every machine. From any
// number of threads.
#ifndef GDAL_NDARRAY_STORE_CHECKSUM_CHECKSUM_H_
#define GDAL_NDARRAY_STORE_CHECKSUM_CHECKSUM_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

uint64_t Checksum64(std::string_view bytes);

// Its lowest 32 bits.
inline uint32_t Checksum32(std::string_view bytes) {
  return static_cast<uint32_t>(Checksum64(bytes));
}

// The lowest 32 bits of XXH64: RFC 8878, "Content_Checksum".
uint32_t ZstdChecksum(std::string_view bytes);

// Whether `found`, the checksum of the bytes, is the one stored with them; kCorrupt.
Status CheckSum(std::string_view field, uint64_t found, uint64_t wanted);

// For tests: every way to compute Checksum64 that this machine has, by name.
struct ChecksumKernel {
  const char* name;
  uint64_t (*checksum)(const void* bytes, size_t size_bytes);
};
std::vector<ChecksumKernel> ChecksumKernels();

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_CHECKSUM_CHECKSUM_H_
