// A file that is written whole, and takes the place of an older one only when it is complete.
//
// Until Commit succeeds, the older file of that name, if any, stays as it was; an OutputFile that
// is destroyed uncommitted leaves nothing behind. Offsets and sizes are in bytes. For one thread.
#ifndef GDAL_NDARRAY_STORE_IO_OUTPUT_FILE_H_
#define GDAL_NDARRAY_STORE_IO_OUTPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "driver/store/status.h"

namespace ndarray {

class OutputFile {
 public:
  virtual ~OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }  // the final one

  // Makes the file this long; what is not written reads as zeros and takes no space where the file
  // system can help it.
  virtual Status Resize(uint64_t size_bytes) = 0;

  // Takes the space that a file of this size needs now, so that a full disk is reported
  // before the work, not after it. May do nothing. Does not change the size.
  virtual Status Reserve(uint64_t size_bytes) = 0;

  // Offsets must not fall, unless CanRewrite: some file systems can only append.
  virtual Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) = 0;
  virtual bool CanRewrite() const { return true; }

  // Makes the content durable, as far as can be done before it has its name: what may fail for want
  // of space fails here. Nothing may be written after it.
  virtual Status Complete() { return {}; }

  // Completes the content and gives it its final name. Nothing may be called after it.
  virtual Status Commit() = 0;

 protected:
  explicit OutputFile(std::string path) : path_(std::move(path)) {}

 private:
  const std::string path_;
};

// Where the content of a local file must go: the target of a link, not the link. Its target need
// not exist yet.
std::string ResolveLinks(std::string path);

// What stands in for a local file until it is whole, in the same folder: ".NAME" and the suffix.
// Where that is longer than names may be there, the start of NAME and a number made of all of it.
std::string TemporaryPath(const std::string& path, std::string_view suffix);

// A local file, built in the same folder as ".NAME.partial" (TemporaryPath) and renamed. What a
// killed process left there is overwritten by the next one; while one process writes, another's
// attempt is refused (kIo). Follows symbolic links, and keeps the permissions of the file it
// replaces.
Result<std::unique_ptr<OutputFile>> CreateLocalFile(const std::string& path);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_OUTPUT_FILE_H_
