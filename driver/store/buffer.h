// Bytes without a value until they are written: a vector would clear them first.
#ifndef GDAL_NDARRAY_STORE_BUFFER_H_
#define GDAL_NDARRAY_STORE_BUFFER_H_

#include <cstddef>
#include <memory>

namespace ndarray {

class Buffer {
 public:
  explicit Buffer(size_t size_bytes) : data_(new std::byte[size_bytes]), size_bytes_(size_bytes) {}

  std::byte* data() { return data_.get(); }
  const std::byte* data() const { return data_.get(); }
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::unique_ptr<std::byte[]> data_;
  size_t size_bytes_;
};

// At least so many bytes of memory, the thread's own, that `User` works in: what it holds ends with
// the next call of the same user.
template <typename User>
std::byte* ThreadScratch(size_t size_bytes) {
  thread_local Buffer scratch(0);
  if (scratch.size_bytes() < size_bytes) scratch = Buffer(size_bytes);
  return scratch.data();
}

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BUFFER_H_
