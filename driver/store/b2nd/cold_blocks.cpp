// What windows of a .b2nd that is not in memory ask the system for (io/cold_reads.h).
#include <algorithm>

#include "driver/store/b2nd/block_reader.h"
#include "driver/store/io/cold_reads.h"

namespace ndarray {

bool BlockReader::IsCold(int64_t bytes) const {
  const auto range_of = [&](const Task& task) {
    return loader_.RangeOf(chunks_[task.chunk], task.block);
  };
  const auto in_file = [](const Task& task) { return task.block != kFill; };
  const auto first = std::find_if(tasks_.begin(), tasks_.end(), in_file);
  if (first == tasks_.end()) return false;
  const auto last = std::find_if(tasks_.rbegin(), tasks_.rend(), in_file);
  return cached_file_.cold_reads().IsCold(
      file_, bounds_, {range_of(*first).start, range_of(*last).stop}, static_cast<uint64_t>(bytes));
}

Status BlockReader::RunCold(int64_t tasks_bytes) const {
  const auto count = static_cast<int64_t>(tasks_.size());
  const auto add = [&](int64_t item, std::vector<FileRange>& ranges) {
    const Task& task = tasks_[static_cast<size_t>(item)];
    if (task.block != kFill) ranges.push_back(loader_.RangeOf(chunks_[task.chunk], task.block));
  };
  return RunAhead(file_, count, max_threads_, add, [&](int64_t first, int64_t stop) {
    return RunTasks(first, stop, std::max<int64_t>(tasks_bytes / count * (stop - first), 1));
  });
}

}  // namespace ndarray
