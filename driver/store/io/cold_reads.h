// Reads of what is not in memory: all that a window needs is asked for at once, so that it waits
// for the disk once, and not for one range after the other.
//
// Whether a file is in memory is looked at now and then, and rarely where it was the last times:
// small windows of such a file cost next to no call of the system. Asking is a hint, and bounded:
// for nothing but what the window needs, and for at most twice kMaxAheadBytes before it is used.
// Files of which that is not known (ByteFile::IsResident) are taken to be in memory.
//
// Offsets and sizes are in bytes. Everything is safe from any number of threads.
#ifndef GDAL_NDARRAY_STORE_IO_COLD_READS_H_
#define GDAL_NDARRAY_STORE_IO_COLD_READS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/io/byte_file.h"
#include "driver/store/status.h"

namespace ndarray {

// Half-open.
struct FileRange {
  uint64_t start;
  uint64_t stop;
};

// Sorts, and joins those with small gaps.
std::vector<FileRange> Merged(std::vector<FileRange> ranges, uint64_t max_gap_bytes);

// How much is asked for before some of it is used.
constexpr uint64_t kMaxAheadBytes = uint64_t{16} << 20;
// Ranges this near to each other are read with what is between: a disk takes as long for them.
constexpr uint64_t kMaxColdGapBytes = uint64_t{16} << 10;
constexpr uint64_t kColdPageBytes = 4096;  // what a disk reads at least

// Has the system read the ranges, which may overlap and be empty, without waiting for them.
void AskFor(const ByteFile& file, std::vector<FileRange> ranges, int max_threads);

// Runs items [0, count) in order and in groups, of which the next one is asked for before each is
// run; returns what fails first. An item is larger than kMaxAheadBytes only if it is alone.
using RangesOf = std::function<void(int64_t item, std::vector<FileRange>& to)>;
Status RunAhead(const ByteFile& file, int64_t count, int max_threads, const RangesOf& ranges_of,
                const std::function<Status(int64_t first, int64_t stop)>& run);

// What is known of the reads of one array.
class ColdReads {
 public:
  // Whether a window of so many bytes is to be looked at.
  bool IsDue(uint64_t bytes) {
    const uint64_t left = left_bytes_.load(std::memory_order_relaxed);
    if (left <= bytes) return true;
    left_bytes_.store(left - bytes, std::memory_order_relaxed);
    return false;
  }

  // Whether a window that is due has to be waited for, by its first and its last byte in the file:
  // whichever way windows move, one of them is new. False, too, for windows that follow each other:
  // the system itself reads ahead of what is touched, and what it reads then is used. `extent` is
  // where the window starts and stops, in this order or not.
  bool IsCold(const ByteFile& file, const Box& window, const FileRange& extent, uint64_t bytes);

 private:
  bool Follows(const Box& window) const;

  std::atomic<uint64_t> left_bytes_{0};   // to be read without a look
  std::atomic<uint64_t> pause_bytes_{0};  // after the last look
  std::atomic<bool> sweeps_{false};       // the last window that was looked at followed another
  std::mutex mutex_;                      // of the last window; nobody waits for it
  Box last_;
  int looks_in_memory_ = 0;  // since the last cold window
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_IO_COLD_READS_H_
