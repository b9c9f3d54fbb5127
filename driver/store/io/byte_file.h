// A file of bytes with random access: the seam between array formats and where files live.
//
// Offsets and sizes are in bytes. Const methods are safe from any number of threads; WriteAt, Sync
// and Flush need exclusion by the caller. Errors carry the path.
#ifndef GDAL_NDARRAY_STORE_IO_BYTE_FILE_H_
#define GDAL_NDARRAY_STORE_IO_BYTE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/file_id.h"
#include "driver/store/status.h"

namespace ndarray {

enum class Access { kRead, kUpdate };

struct ByteRange {
  uint64_t offset_bytes;
  size_t size_bytes;
  void* to;
};

// What changes of a file when it is written.
struct FileState {
  uint64_t size_bytes = 0;
  // Since 1970, modulo 2^64; they move in ticks of the kernel.
  uint64_t modified_ns = 0;
  uint64_t changed_ns = 0;
};

// What is known of a file when it is opened.
struct FileTraits {
  // Whether each range costs no more than a call of the system, so that nothing is gained by asking
  // for many at once, and threads read without waiting for each other.
  bool is_local = false;
  // Between two ranges to be read, so many bytes are read over at less cost than they are left out.
  uint64_t cheap_gap_bytes = uint64_t{4} << 10;
  std::optional<FileId> id;  // of local files
  // Of a part of another file: where it starts in that, and its path. Else 0, and empty.
  uint64_t start_bytes = 0;
  std::string whole_path;
  bool is_unpacked = false;  // nowhere do its bytes lie as they are
};

class ByteFile {
 public:
  virtual ~ByteFile() = default;
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size_bytes() const { return size_bytes_; }  // when it was opened, if not set since
  const FileTraits& traits() const { return traits_; }
  bool is_mapped() const { return map_ != nullptr; }

  // Fills every range, or fails: a range that ends after the file is kCorrupt.
  virtual Status Read(const std::vector<ByteRange>& ranges) const = 0;

  // A range in memory; nullptr where the file is not mapped. kCorrupt where it ends after the file,
  // which may have become shorter since it was opened. Touching a view after another process made
  // the file shorter ends this process (SIGBUS), as with every memory map: take a new one for each
  // piece of work.
  Result<const std::byte*> View(uint64_t offset_bytes, uint64_t size_bytes) const;

  // A range of a view has been read. Readers who say so keep the process's memory bounded, where
  // that is asked for: what they have read is taken out of it now and then.
  virtual void NoteRead(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) const {}

  // Whether the byte can be read without waiting for a disk; true, too, where that is not known.
  virtual bool IsResident(uint64_t /*offset_bytes*/) const { return true; }

  // The range will be read soon. A hint.
  virtual void Advise(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) const {}

  // The file as it is now, where that may differ from when it was opened: of local files.
  virtual Result<FileState> State() const { return FileState{size_bytes_, 0, 0}; }

  // A text that is equal for two openings only if both read the same bytes; empty where that is
  // unknown, as for all files without an id. It changes when the file is written.
  std::string Identity() const;

  // The file that has the path now, opened in the same way; nullptr where that makes no sense.
  virtual Result<std::shared_ptr<ByteFile>> OpenAgain() const {
    return std::shared_ptr<ByteFile>();
  }

 protected:
  ByteFile(std::string path, uint64_t size_bytes, FileTraits traits = {})
      : path_(std::move(path)), size_bytes_(size_bytes), traits_(std::move(traits)) {}

  // The whole file [0, size_bytes()), for as long as it is open.
  void set_map(const std::byte* map) { map_ = map; }
  void set_size_bytes(uint64_t size_bytes) { size_bytes_ = size_bytes; }
  void set_cheap_gap_bytes(uint64_t size_bytes) { traits_.cheap_gap_bytes = size_bytes; }

 private:
  const std::string path_;
  uint64_t size_bytes_;
  FileTraits traits_;
  const std::byte* map_ = nullptr;
};

// A file that is open for update.
class WritableFile : public ByteFile {
 public:
  // The file grows where the range ends after it, which size_bytes() need not say.
  virtual Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) = 0;

  // Shows the range to `store` as memory that all who have the file share: of others' bytes in it,
  // which they may be writing at the same time, none is written. kNotSupported where that cannot be
  // done without danger, and kCorrupt where the file ends before; then `store` is not called.
  virtual Status StoreInPlace(uint64_t /*offset_bytes*/, size_t /*size_bytes*/,
                              const std::function<void(std::byte*)>& /*store*/) {
    return Status(StatusCode::kNotSupported, path() + ": cannot be written in memory");
  }

  // After it what was written survives a power loss, as far as the file system can promise it.
  virtual Status Sync() { return Flush(); }

  // After it every other reader of the file sees what was written.
  virtual Status Flush() = 0;

  // It is this long now, since others have written to it.
  void NoteSize(uint64_t size_bytes) { set_size_bytes(size_bytes); }

 protected:
  using ByteFile::ByteFile;
};

// One range of a file as a string.
Status ReadBytes(const ByteFile& file, uint64_t offset_bytes, uint64_t size_bytes, std::string& to);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_BYTE_FILE_H_
