#include "driver/store/io/cold_reads.h"

#include <algorithm>

#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// The kernel reads no more for one call than it reads ahead anyway: this much, by default.
constexpr uint64_t kMaxCallBytes = uint64_t{128} << 10;
// A call starts a transfer, which takes some microseconds. Below this number another thread is not
// awake in time.
constexpr int64_t kCallsPerTask = 32;
// Between two looks at files that are in memory: looking takes less than a hundredth of the time of
// copying this.
constexpr uint64_t kMaxPauseBytes = uint64_t{2} << 20;
// A sweep finds what was read ahead in memory, but not for ever.
constexpr int kMaxLooksInMemory = 256;

void AddItems(int64_t& next, int64_t count, const RangesOf& ranges_of,
              std::vector<FileRange>& ranges) {
  uint64_t bytes = 0;
  std::vector<FileRange> more;
  for (; next < count; ++next) {
    more.clear();
    ranges_of(next, more);
    uint64_t more_bytes = 0;
    for (const FileRange& range : more) {
      more_bytes += std::max(range.stop - range.start, kColdPageBytes);
    }
    if (bytes > 0 && bytes + more_bytes > kMaxAheadBytes) break;
    bytes += more_bytes;
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
}

}  // namespace

std::vector<FileRange> Merged(std::vector<FileRange> ranges, uint64_t max_gap_bytes) {
  std::sort(ranges.begin(), ranges.end(),
            [](const FileRange& a, const FileRange& b) { return a.start < b.start; });
  std::vector<FileRange> merged;
  for (const FileRange& range : ranges) {
    if (!merged.empty() && range.start <= merged.back().stop + max_gap_bytes) {
      merged.back().stop = std::max(merged.back().stop, range.stop);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

void AskFor(const ByteFile& file, std::vector<FileRange> ranges, int max_threads) {
  std::vector<FileRange> calls;
  for (const FileRange& range : Merged(std::move(ranges), kMaxColdGapBytes)) {
    for (uint64_t start = range.start; start < range.stop; start += kMaxCallBytes) {
      calls.push_back({start, std::min(range.stop, start + kMaxCallBytes)});
    }
  }
  const auto count = static_cast<int64_t>(calls.size());
  ParallelFor((count + kCallsPerTask - 1) / kCallsPerTask, max_threads, [&](int64_t task) {
    const int64_t stop = std::min((task + 1) * kCallsPerTask, count);
    for (int64_t i = task * kCallsPerTask; i < stop; ++i) {
      const FileRange& call = calls[static_cast<size_t>(i)];
      file.Advise(call.start, call.stop - call.start);
    }
  });
}

Status RunAhead(const ByteFile& file, int64_t count, int max_threads, const RangesOf& ranges_of,
                const std::function<Status(int64_t first, int64_t stop)>& run) {
  int64_t asked = 0;
  const auto ask = [&] {
    std::vector<FileRange> ranges;
    AddItems(asked, count, ranges_of, ranges);
    if (!ranges.empty()) AskFor(file, std::move(ranges), max_threads);
  };
  ask();
  for (int64_t first = 0; first < count;) {
    const int64_t stop = asked;
    ask();
    Status status = run(first, stop);
    if (!status.ok()) return status;
    first = stop;
  }
  return {};
}

bool ColdReads::IsCold(const ByteFile& file, const Box& window, const FileRange& extent,
                       uint64_t bytes) {
  const bool cold = !file.IsResident(extent.start) || !file.IsResident(extent.stop - 1);
  const bool swept = sweeps_.load(std::memory_order_relaxed);
  // Longer from one look to the next, so that a file of which a part is in memory is not taken for
  // one that is.
  const uint64_t pause = pause_bytes_.load(std::memory_order_relaxed);
  const uint64_t next =
      cold || swept ? 0 : std::min(2 * pause + std::min(bytes, kMaxPauseBytes), kMaxPauseBytes);
  pause_bytes_.store(next, std::memory_order_relaxed);
  left_bytes_.store(next, std::memory_order_relaxed);
  if (!cold && !swept) return false;
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return cold && !swept;
  looks_in_memory_ = cold ? 0 : looks_in_memory_ + 1;
  const bool sweeps = looks_in_memory_ < kMaxLooksInMemory && Follows(window);
  sweeps_.store(sweeps, std::memory_order_relaxed);
  last_ = window;
  return cold && !sweeps;
}

// Along one axis, or to the start of the next line.
bool ColdReads::Follows(const Box& window) const {
  if (last_.start.size() != window.start.size()) return false;
  int moved = 0;
  for (int axis = 0; axis < window.start.size(); ++axis) {
    const int64_t start = window.start[axis];
    if (start == last_.start[axis] || start == 0) continue;
    if (start < last_.start[axis] || start > last_.stop[axis]) return false;
    ++moved;
  }
  return moved == 1;
}

}  // namespace ndarray
