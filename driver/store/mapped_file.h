// A local file: read through one memory map, written with positional writes.
//
// Writes do not go through the map: a full disk is an error for pwrite and the end of the process
// for a map. The map shows what was written at once (both are the page cache).
#ifndef GDAL_NDARRAY_STORE_MAPPED_FILE_H_
#define GDAL_NDARRAY_STORE_MAPPED_FILE_H_

#include <memory>
#include <string>

#include "driver/store/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Opens and maps a local regular file. Opening costs the same for any size. Read-only openings of
// one file share one map while any of them lives. kNotFound, kIo (also when the file cannot be
// mapped), kNotSupported (not a regular file).
Result<std::shared_ptr<ByteFile>> OpenMappedFile(const std::string& path, Access access);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_MAPPED_FILE_H_
