// A bound on how much of memory maps stays resident, that is, counts as memory of this process.
//
// The kernel charges a process for everything it has read through a map until the map is gone, so a
// process that reads a large file seems to use as much memory as the file has bytes, and may be
// killed for it. Readers of a map therefore report each piece that they have read; once they have
// touched more than the bound, all of it is released at once. (What is used again is found in the
// page cache. Keeping what was used last would take a system call for each gap in between.)
//
// Sizes are in bytes. Everything is safe from any number of threads.
#ifndef GDAL_NDARRAY_STORE_IO_RESIDENT_LIMIT_H_
#define GDAL_NDARRAY_STORE_IO_RESIDENT_LIMIT_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "driver/store/io/memory_map.h"

namespace ndarray {

class TouchedPages;

class ResidentLimit {
 public:
  static constexpr uint64_t kDefaultMaxBytes = uint64_t{128} << 20;

  // The one of all maps that have no other.
  static ResidentLimit& Process();

  explicit ResidentLimit(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  void SetMaxBytes(uint64_t max_bytes) { max_bytes_ = max_bytes; }
  uint64_t max_bytes() const { return max_bytes_; }
  uint64_t touched_bytes() const { return touched_bytes_; }  // since they were released

 private:
  friend class TouchedPages;
  void Count(uint64_t bytes);
  void ReleaseAll();  // where it is still too much

  std::atomic<uint64_t> max_bytes_;
  std::atomic<uint64_t> touched_bytes_{0};
  std::vector<TouchedPages*> members_;
};

// Which parts of one map have been touched since they were last released.
class TouchedPages {
 public:
  // What the kernel maps at most when a page is touched that is not mapped (fault_around_bytes), at
  // addresses that are multiples of it.
  static constexpr uint64_t kSegmentBytes = uint64_t{64} << 10;

  // Both must outlive it.
  TouchedPages(const MemoryMap& map, ResidentLimit& limit) : map_(map), limit_(limit) {}
  ~TouchedPages();

  // The range has been read: after it, not before, so that what another thread releases meanwhile
  // and this one touches again is known. REQUIRES: it lies in the map.
  void Note(uint64_t offset_bytes, uint64_t size_bytes);

 private:
  friend class ResidentLimit;
  void Start();
  uint64_t Release();

  const MemoryMap& map_;
  ResidentLimit& limit_;
  // Set by the first note: most files are only opened. After that the rest does not change.
  std::atomic<bool> started_{false};
  uint64_t skew_bytes_ = 0;                   // of the map's start in its first segment
  std::vector<std::atomic<uint64_t>> words_;  // a bit for each segment
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_RESIDENT_LIMIT_H_
