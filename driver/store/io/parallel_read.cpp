#include "driver/store/io/parallel_read.h"

#include <algorithm>
#include <numeric>

#include "driver/store/io/cold_reads.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Less is copied out of the page cache before another thread is awake.
constexpr uint64_t kMinBytesPerThread = uint64_t{512} << 10;

// Each range would be waited for by itself. Looking costs about as much as one range.
constexpr size_t kMinColdRanges = 8;

void AskWhereCold(const ByteFile& file, const std::vector<ByteRange>& ranges, int max_threads) {
  if (ranges.size() < kMinColdRanges || (file.IsResident(ranges.front().offset_bytes) &&
                                         file.IsResident(ranges.back().offset_bytes))) {
    return;
  }
  std::vector<FileRange> asked;
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) {
    if (bytes > kMaxAheadBytes) break;
    asked.push_back({range.offset_bytes, range.offset_bytes + range.size_bytes});
    bytes += range.size_bytes;
  }
  AskFor(file, std::move(asked), max_threads);
}

}  // namespace

Status ReadRangesInParallel(const ByteFile& file, const std::vector<ByteRange>& ranges,
                            int max_threads) {
  if (ranges.empty()) return {};
  AskWhereCold(file, ranges, max_threads);
  const uint64_t bytes =
      std::accumulate(ranges.begin(), ranges.end(), uint64_t{0},
                      [](uint64_t sum, const ByteRange& range) { return sum + range.size_bytes; });
  const auto threads = static_cast<int>(
      std::min<uint64_t>(static_cast<uint64_t>(max_threads), bytes / kMinBytesPerThread));
  if (!file.traits().is_local || threads < 2 || ranges.size() < 2) return file.Read(ranges);
  return TryParallelFor(static_cast<int64_t>(ranges.size()), threads,
                        [&](int64_t i) { return file.Read({ranges[static_cast<size_t>(i)]}); });
}

}  // namespace ndarray
