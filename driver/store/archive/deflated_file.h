// The content of a deflated member of a ZIP archive as a file of its own.
//
// It is unpacked from its start, or from the nearest of at most 64 places before a range whose
// state was kept (40 KB each), up to where the range ends, and nothing of it is kept. So windows
// that follow one another cost what they are, and others up to a 64th of the content. Reads wait
// for one another. Nothing is compared with the member's CRC-32.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_DEFLATED_FILE_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_DEFLATED_FILE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

class DeflatedFile final : public ByteFile {
 public:
  // `packed`: the bytes of the member. `size_bytes`: of its content. `path` is what errors call it.
  DeflatedFile(std::string path, std::shared_ptr<const ByteFile> packed, uint64_t size_bytes);
  ~DeflatedFile() override;

  // kCorrupt, too, where the content is shorter than the archive says, or its bytes are no stream.
  Status Read(const std::vector<ByteRange>& ranges) const override;

 private:
  class Stream;

  Status ReadRange(const ByteRange& range) const;
  Status Unpack(void* to, uint64_t size_bytes) const;

  const std::shared_ptr<const ByteFile> packed_;
  const uint64_t step_bytes_;  // between places whose state is kept
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Stream> stream_;               // nullptr: at the start
  mutable std::vector<std::unique_ptr<Stream>> places_;  // step_bytes_ apart, from the first on
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_DEFLATED_FILE_H_
