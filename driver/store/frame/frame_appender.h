// Changes a frame in place, as a transaction: bytes are appended after its end, and count from a
// commit on. The commit is one small write to the header, within one sector of a disk, after all
// that it makes count has been synced; until then all readers see the file as it was.
//
// Offsets and sizes are in bytes. For one thread.
#ifndef GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_
#define GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class FrameAppender {
 public:
  // `header`: the file's first kFrameHeaderMinBytes. The frame ends at `end_bytes`; what a killed
  // process left behind it is overwritten.
  FrameAppender(std::shared_ptr<WritableFile> file, std::string header, uint64_t end_bytes)
      : file_(std::move(file)),
        header_(std::move(header)),
        end_bytes_(end_bytes),
        synced_bytes_(end_bytes) {}

  // Where the next bytes go.
  uint64_t end_bytes() const { return end_bytes_; }

  // After a failure nothing has been appended.
  Status Append(std::string_view bytes);

  // Appends index and trailer, and makes all of it count: the frame's chunks end where the tail
  // starts. After a failure a later Commit takes up what was appended.
  Status Commit(std::string_view tail, uint64_t header_bytes, int64_t uncompressed_bytes);

 private:
  Status Sync();
  Status WriteAgain();

  const std::shared_ptr<WritableFile> file_;
  std::string header_;
  uint64_t end_bytes_;
  uint64_t synced_bytes_;  // up to here all is on disk
  bool sync_failed_ = false;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_FRAME_FRAME_APPENDER_H_
