// The index of a .b2nd file that is updated: its own index, which is not shared and may change.
//
// One thread at a time may change it; between changes any number may read it, as a FrameIndex.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_

#include <cstdint>
#include <memory>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class FrameEditor final : public FrameIndex {
 public:
  // As FrameIndex::Open. kCorrupt, too, where the names of attributes cannot be read, since they
  // would be lost.
  static Result<std::shared_ptr<FrameEditor>> Open(const ByteFile& file);

  // The chunk is now at location.offset_bytes in the file, or special; the chunks' part of the file
  // ends at `end_bytes` or later. Once some have moved, cached_file().Forget() must be called.
  void MoveChunk(int64_t chunk, const ChunkLocation& location, uint64_t end_bytes);

 private:
  FrameEditor() = default;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_EDITOR_H_
