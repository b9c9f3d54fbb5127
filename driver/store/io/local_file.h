// A local file: read through a memory map where there is one, else with positional reads; written
// with positional writes.
//
// Writes do not go through the map: a full disk is an error for pwrite and the end of the process
// for a map. The map shows what was written at once (both are the page cache).
#ifndef GDAL_NDARRAY_STORE_IO_LOCAL_FILE_H_
#define GDAL_NDARRAY_STORE_IO_LOCAL_FILE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Whether a file is mapped, and how much of the map may stay resident. Sizes are in bytes.
struct MapPolicy {
  uint64_t max_mapped_bytes = UINT64_MAX;  // longer files are read without a map
  // The limit for the map of this file, for readers that call NoteRead; absent: the limit of
  // ResidentLimit::Process().
  std::optional<uint64_t> max_resident_bytes;
};

// Opens a local regular file. Opening costs the same for any size. Read-only openings of one file
// with one policy share one map while any of them lives. A file that cannot be mapped is read
// without a map. kNotFound, kIo, kNotSupported (not a regular file).
Result<std::shared_ptr<ByteFile>> OpenLocalFile(const std::string& path,
                                                const MapPolicy& policy = {});
Result<std::shared_ptr<WritableFile>> OpenLocalFileForUpdate(const std::string& path,
                                                             const MapPolicy& policy = {});

// An empty file in the folder of `path`, which errors name, for work that has no room in memory. It
// has no name there: nobody else finds it, and it is gone when it is closed, or the process killed.
Result<std::shared_ptr<WritableFile>> CreateScratchFile(const std::string& path);

// Which file an open descriptor is; absent for one that is not open.
std::optional<FileId> FileIdOf(int descriptor);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_LOCAL_FILE_H_
