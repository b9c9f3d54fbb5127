// File descriptors and errno in this project's terms.
#ifndef GDAL_NDARRAY_STORE_IO_DESCRIPTOR_H_
#define GDAL_NDARRAY_STORE_IO_DESCRIPTOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "driver/store/status.h"

namespace ndarray {

// Owns an open file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return value_; }
  bool ok() const { return value_ >= 0; }

 private:
  int value_;
};

// kNotFound for ENOENT, else kIo: "PATH: cannot VERB: REASON". REQUIRES: errno is the failure.
Status ErrnoStatus(const std::string& path, std::string_view verb);

// Whether a lock failed with this errno since the file system has none.
bool HasNoLocks(int error);

// Reads or writes the whole range, repeating after partial transfers and interruptions. Reading
// past the end of the file is kCorrupt.
Status ReadFully(int descriptor, const std::string& path, uint64_t offset_bytes, void* to,
                 size_t size_bytes);
Status WriteFully(int descriptor, const std::string& path, uint64_t offset_bytes, const void* from,
                  size_t size_bytes);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_DESCRIPTOR_H_
