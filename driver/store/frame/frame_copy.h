// Copies a .b2nd file without its dead space: the one way in which a file is written anew.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/progress.h"
#include "driver/store/status.h"

namespace ndarray {

// Creates the file that takes the place of one with dead space.
using OutputFileCreator = Result<std::unique_ptr<OutputFile>> (*)(const std::string& path);

// Writes header, chunks (in the order of their numbers), a new index, and the trailer given. Chunks
// stay as they are, byte by byte; but those without checksums get them where they can be decoded,
// unless the file says that it is one without. Returns the bytes of all that; what remains is
// output.Commit(). Errors carry the path.
Result<uint64_t> CopyFrame(const FrameIndex& index, const ByteFile& file, std::string trailer,
                           OutputFile& output, const ProgressFn& progress);

struct Compaction {
  uint64_t old_bytes;  // of the file
  uint64_t new_bytes;
  bool done;  // there was dead space, or there were chunks without checksums
};

// Puts a copy without dead space, without bytes after the frame and with checksums (as CopyFrame)
// in the place of the file. Until that is whole the file stays as it is. Attributes are kept byte
// by byte. kCorrupt where chunks overlap. REQUIRES: no other writer has joined the file, nor can.
Result<Compaction> CompactFrame(const ByteFile& file, OutputFileCreator create_file,
                                const ProgressFn& progress);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_COPY_H_
