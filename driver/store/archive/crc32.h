// CRC-32, the checksum that a ZIP archive has of the content of each member.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_CRC32_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_CRC32_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "driver/store/io/byte_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// By several threads where there are many bytes.
uint32_t Crc32(const void* bytes, size_t size_bytes);

// Of bytes that follow one another, of which these are the sums.
uint32_t JoinedCrc32(uint32_t first, uint32_t second, uint64_t second_bytes);

// Of a whole file, in pieces of some megabytes. Errors carry the path.
Result<uint32_t> Crc32Of(const ByteFile& file, const ProgressFn& progress = {});

// kCorrupt, without a path, where `found`, the sum of a content, is not the one stored with it.
Status CheckCrc32(uint32_t found, uint32_t wanted);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_CRC32_H_
