// Files that are strings in memory, to read and to write arrays that are parts of other files.
#ifndef GDAL_NDARRAY_STORE_IO_STRING_FILE_H_
#define GDAL_NDARRAY_STORE_IO_STRING_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/store/io/byte_file.h"
#include "driver/store/io/output_file.h"
#include "driver/store/status.h"

namespace ndarray {

// `path` is what errors call it.
class StringFile final : public WritableFile {
 public:
  StringFile(std::string path, std::string bytes, Access access)
      : WritableFile(std::move(path), bytes.size()), bytes_(std::move(bytes)) {
    // Strings move as they grow.
    if (access == Access::kRead) set_map(reinterpret_cast<const std::byte*>(bytes_.data()));
  }

  Status Read(const std::vector<ByteRange>& ranges) const override;
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override;
  Status Flush() override { return {}; }

 private:
  std::string bytes_;
};

// Refuses to become longer than `max_bytes`.
class StringOutput final : public OutputFile {
 public:
  StringOutput(std::string path, size_t max_bytes)
      : OutputFile(std::move(path)), max_bytes_(max_bytes) {}

  Status Resize(uint64_t size_bytes) override;
  Status Reserve(uint64_t) override { return {}; }
  Status WriteAt(uint64_t offset_bytes, const void* from, size_t size_bytes) override;
  Status Commit() override { return {}; }

  // Whether something was refused.
  bool full() const { return full_; }
  std::string TakeBytes() { return std::move(bytes_); }

 private:
  const size_t max_bytes_;
  std::string bytes_;
  bool full_ = false;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_STRING_FILE_H_
