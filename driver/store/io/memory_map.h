// A read-only memory map of a whole file, shared with everybody who writes to it.
//
// Offsets and sizes are in bytes. Const methods are safe from any number of threads.
#ifndef GDAL_NDARRAY_STORE_IO_MEMORY_MAP_H_
#define GDAL_NDARRAY_STORE_IO_MEMORY_MAP_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ndarray {

class MemoryMap {
 public:
  // No map: of an empty file, or of one that is read in another way.
  MemoryMap() = default;

  // Maps the first `size_bytes` of a file. No map where the system refuses it (file systems without
  // shared maps, limits on address space), or where it would take more than half of the address
  // space that a limit leaves to this process, which needs memory for other things, too.
  MemoryMap(int descriptor, uint64_t size_bytes);

  MemoryMap(MemoryMap&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  MemoryMap& operator=(MemoryMap&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~MemoryMap();

  const std::byte* start() const { return start_; }  // nullptr: no map
  uint64_t size_bytes() const { return size_bytes_; }

  // The range no longer counts as this process's memory; it stays in the page cache, and the next
  // access finds it there. Threads may be reading it.
  void Release(uint64_t offset_bytes, uint64_t size_bytes) const;

 private:
  std::byte* start_ = nullptr;
  uint64_t size_bytes_ = 0;
};

// A range of a file as memory that may be written, for as long as this lives. Nothing but what is
// written changes, whoever else writes beside it.
class WritableMap {
 public:
  WritableMap(int descriptor, uint64_t offset_bytes, size_t size_bytes);
  ~WritableMap();
  WritableMap(const WritableMap&) = delete;
  WritableMap& operator=(const WritableMap&) = delete;

  // Where the range starts; nullptr where the system refuses. Touching what the file has no space
  // for, and finds none, or what it has lost since, ends the process (SIGBUS).
  std::byte* start() const { return start_; }

 private:
  void* pages_ = nullptr;
  size_t pages_bytes_ = 0;
  std::byte* start_ = nullptr;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_MEMORY_MAP_H_
