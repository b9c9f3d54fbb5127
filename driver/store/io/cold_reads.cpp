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
constexpr uint64_t kMaxPauseBytes = uint64_t{512} << 10;
constexpr int64_t kMaxWindowsAhead = 64;

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

bool ColdReads::IsCold(const ByteFile& file, uint64_t first, uint64_t last, uint64_t bytes) {
  const bool cold = !file.IsResident(first) || !file.IsResident(last);
  // Longer from one look to the next, so that a file of which a part is in memory is not taken for
  // one that is.
  const uint64_t pause = pause_bytes_.load(std::memory_order_relaxed);
  const uint64_t next =
      cold ? 0 : std::min(2 * pause + std::min(bytes, kMaxPauseBytes), kMaxPauseBytes);
  pause_bytes_.store(next, std::memory_order_relaxed);
  left_bytes_.store(next, std::memory_order_relaxed);
  return cold;
}

// Sets axis_ where it goes on along another one.
bool ColdReads::Follows(const Box& window) {
  if (asked_.start.size() != window.start.size()) return false;
  int moved = -1;
  bool begins_line = false;
  for (int axis = 0; axis < window.start.size(); ++axis) {
    const int64_t start = window.start[axis];
    if (start == asked_.start[axis]) continue;
    if (start == 0 && axis == axis_) {
      begins_line = true;
      continue;
    }
    const bool on = start > asked_.start[axis] && start <= asked_.stop[axis];
    if (!on || moved >= 0) return false;
    moved = axis;
  }
  if (moved < 0) return false;
  if (!begins_line) axis_ = moved;
  return true;
}

Box ColdReads::Ahead(const Box& window, const AxisVector& shape,
                     const std::function<bool(const Box&)>& fits) {
  Box ahead = window;
  ahead.stop = ahead.start;
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return ahead;
  windows_ = Follows(window) ? std::clamp<int64_t>(2 * windows_, 1, kMaxWindowsAhead) : 0;
  asked_ = window;
  for (int64_t windows = windows_; windows > 0; windows /= 2) {
    const int64_t stop = window.stop[axis_];
    Box next = window;
    next.start[axis_] = stop;
    next.stop[axis_] = stop + std::min(windows * window.count(axis_), shape[axis_] - stop);
    if (next.count(axis_) == 0 || !fits(next)) continue;
    asked_.stop[axis_] = next.stop[axis_];
    return next;
  }
  return ahead;
}

}  // namespace ndarray
