// Opens frames that other processes may be updating.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_OPEN_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_OPEN_H_

#include <memory>

#include "driver/store/frame/frame_index.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

struct OpenedFrame {
  std::shared_ptr<ByteFile> file;  // as long as the frame, at least
  std::shared_ptr<const FrameIndex> index;
};

// As FrameIndex::Open; but where a frame cannot be read and its file has changed since it was
// opened, that is opened again, a bounded number of times: it may have grown in between, or have
// been read while it was written.
Result<OpenedFrame> OpenFrame(std::shared_ptr<ByteFile> file,
                              Verification verification = Verification::kAll);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_OPEN_H_
