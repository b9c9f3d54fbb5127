// Decoded chunks of a .b2nd file that is updated: what a writer has made of them, over what the
// file has.
#ifndef GDAL_NDARRAY_STORE_B2ND_B2ND_SPLICE_H_
#define GDAL_NDARRAY_STORE_B2ND_B2ND_SPLICE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "driver/store/b2nd/chunk_changes.h"
#include "driver/store/buffer.h"
#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// A decoded chunk, blocks in file order, that is to be compressed.
struct DirtyChunk {
  int64_t chunk_index = 0;
  Buffer elements;
  ChunkChanges changes;  // since the last commit
  // `elements` has only what `changes` says, and zeros: Splice brings the rest.
  bool lacks_base = false;
};

// All elements of a chunk, as the file has them, to `elements`. Errors carry the path.
Status LoadElements(const FrameIndex& index, const ByteFile& file, int64_t chunk_index,
                    std::byte* elements);

// All bytes of a chunk, as ChunkedArray::ReadPacked. Errors carry the path.
Status ReadPackedChunk(const FrameIndex& index, const ByteFile& file, int64_t chunk_index,
                       std::string& bytes);

// Another writer has committed the chunk since its elements were loaded, or they were not: they
// become those of `newer`, with this writer's changes over them. After a failure they are as
// before.
Status Splice(const FrameIndex& newer, const ByteFile& file, DirtyChunk& chunk);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_B2ND_SPLICE_H_
