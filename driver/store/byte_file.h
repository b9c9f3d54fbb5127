// A file of bytes with random access: the seam between array formats and where files live.
//
// Offsets and sizes are in bytes. ReadRanges is safe from any number of threads; WriteAt, Resize
// and Flush need exclusion by the caller. Errors carry the path.
#ifndef GDAL_NDARRAY_STORE_BYTE_FILE_H_
#define GDAL_NDARRAY_STORE_BYTE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "driver/store/status.h"

namespace ndarray {

enum class Access { kRead, kUpdate };

struct ByteRange {
  uint64_t offset_bytes;
  size_t size_bytes;
  void* to;
};

class ByteFile {
 public:
  virtual ~ByteFile() = default;

  virtual const std::string& path() const = 0;
  virtual uint64_t size_bytes() const = 0;  // when it was opened, or last resized here
  virtual bool writable() const = 0;

  // The whole file [0, size_bytes()) in memory, or nullptr where it cannot be mapped. Touching it
  // after another process made the file shorter ends this process (SIGBUS), as with every memory
  // map, so call CheckStillThere before each use.
  virtual const std::byte* mapped() const { return nullptr; }

  // A range of the map has been read. Readers who say so keep the process's memory bounded, where
  // that is asked for: what they have read is taken out of it now and then.
  virtual void NoteRead(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) const {}

  // Whether each range costs no more than a call of the system, so that nothing is gained by asking
  // for many at once, and threads read without waiting for each other.
  virtual bool is_local() const { return false; }

  // kCorrupt when the file has become shorter than `end_bytes` since it was opened.
  virtual Status CheckStillThere(uint64_t /*end_bytes*/) const { return {}; }

  // Between two ranges to be read, so many bytes are read over at less cost than they are left out.
  virtual uint64_t cheap_gap_bytes() const { return uint64_t{4} << 10; }

  // Fills every range, or fails: a range that ends after the file is kCorrupt.
  virtual Status ReadRanges(const std::vector<ByteRange>& ranges) const = 0;

  // The file grows where the range ends after it; size_bytes() does not tell.
  virtual Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) = 0;

  // After it what was written survives a power loss, as far as the file system can promise it.
  virtual Status Sync() { return Flush(); }

  // After it every other reader of the file sees what was written.
  virtual Status Flush() = 0;

  // The range will be read soon. A hint.
  virtual void Advise(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) const {}

  // Text that is equal for two openings only if both read the same bytes; empty where that cannot
  // be told. It changes when the file is written.
  virtual std::string Identity() const { return ""; }

  // The file that has the path now, opened in the same way; nullptr where that makes no sense.
  virtual Result<std::shared_ptr<ByteFile>> OpenAgain() const {
    return std::shared_ptr<ByteFile>();
  }

  // Whether the open file descriptor is this very file, whatever either is called by now.
  virtual bool IsSameFile(int /*descriptor*/) const { return false; }
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BYTE_FILE_H_
