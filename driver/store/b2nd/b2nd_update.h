// A .b2nd file that is read and written in place, by one writer at a time.
//
// Written elements wait in decoded chunks, as many as the bound allows, so that a chunk is normally
// compressed once. Compressed chunks, and with a flush a new index and trailer, are appended after
// the frame's end; then all of it is synced, and one small write to the header makes it count.
// Until then the file is what it was, for us and for c-blosc2: a process that is killed, or a power
// loss, leaves the old content or the new one. Others who have the file open go on reading the old
// one. What is replaced stays behind as dead space.
#ifndef GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_
#define GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "driver/store/array.h"
#include "driver/store/frame/frame_copy.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

constexpr int64_t kDefaultWriteCacheBytes = int64_t{256} << 20;

// Whether the file was just made, so that none of its chunks was written by anybody.
enum class Chunks { kMayBeWritten, kUnwritten };

class B2ndForUpdate : public WritableArray {
 public:
  // Writes the array, as of the last flush, without what updates left behind. What remains is
  // output.Commit().
  virtual Status CopyTo(OutputFile& output) const = 0;

 protected:
  using WritableArray::WritableArray;
};

// Its attributes can be edited. For one thread at a time. `file` must not be mapped. A `lock` is
// called before anything is written, once it succeeds; until then writes, and flushes of changed
// attributes, fail as it does, and the file stays as it is.
Result<std::shared_ptr<B2ndForUpdate>> OpenB2ndForUpdate(
    std::shared_ptr<WritableFile> file, OutputFileCreator create_file, int max_threads,
    Chunks chunks = Chunks::kMayBeWritten, int64_t write_cache_bytes = kDefaultWriteCacheBytes,
    std::function<Status()> lock = {});

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_B2ND_B2ND_UPDATE_H_
