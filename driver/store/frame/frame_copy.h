// Copies a .b2nd file without its dead space: the one way in which a file is written anew.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// Creates the file that takes the place of one with dead space.
using OutputFileCreator = Result<std::unique_ptr<OutputFile>> (*)(const std::string& path);

// Writes header, chunks (byte by byte as they are, in the order of their numbers), a new index, and
// the trailer given. Returns the bytes of all that; what remains is output.Commit(). Errors carry
// the path.
Result<uint64_t> CopyFrame(const FrameIndex& index, const ByteFile& file, std::string_view trailer,
                           OutputFile& output, const ProgressFn& progress);

struct Compaction {
  uint64_t old_bytes;  // of the file
  uint64_t new_bytes;  // the same, where there was nothing to reclaim and nothing was done
};

// Puts a copy without dead space, and without bytes after the frame, in the place of the file.
// Until that is whole the file stays as it is. Attributes are kept byte by byte. kCorrupt where
// chunks overlap. REQUIRES: no other writer has joined the file, nor can.
Result<Compaction> CompactFrame(const ByteFile& file, OutputFileCreator create_file,
                                const ProgressFn& progress);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_
