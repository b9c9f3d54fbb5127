// What windows of a .b2nd that is not in memory ask the system for (io/cold_reads.h).
#include <algorithm>

#include "driver/store/b2nd/block_reader.h"
#include "driver/store/box.h"
#include "driver/store/io/cold_reads.h"

namespace ndarray {
namespace {

// Bounds of the decoded bytes and the chunks that are asked for beyond a window.
constexpr auto kMaxAheadElementBytes = static_cast<int64_t>(kMaxAheadBytes);
constexpr int64_t kMaxChunksAhead = 1024;

void AddBlocks(const B2ndLayout& layout, const ChunkLoader& loader, const LoadedChunk& chunk,
               const Box& blocks, std::vector<FileRange>& ranges) {
  if (chunk.header.kind != ChunkKind::kBlocks) return;
  if (chunk.needs_whole) {
    ranges.push_back(loader.RangeOf(chunk, ChunkLoader::kAllBlocks));
    return;
  }
  AxisVector block = blocks.start;
  do {
    ranges.push_back(loader.RangeOf(chunk, GridNumber(layout.block_grid, block)));
  } while (Advance(blocks, block));
}

// Adds what a sweep reads after the window, where this is one in a sweep: blocks of the window's
// own chunks, and further chunks, as large as they are on average.
void AddAhead(const FrameIndex& index, const ChunkLoader& loader,
              const std::vector<LoadedChunk>& loaded, const Box& window,
              std::vector<FileRange>& ranges) {
  const B2ndLayout& layout = index.layout();
  const Box ahead = index.cold_reads().Ahead(window, layout.shape, [&](const Box& box) {
    return ElementsIn(box) <= kMaxAheadElementBytes / layout.element.element_bytes &&
           ElementsIn(ChunksOf(layout, box)) <= kMaxChunksAhead;
  });
  if (IsEmpty(ahead)) return;
  const auto chunk_bytes =
      static_cast<uint64_t>(index.summary().compressed_bytes / layout.chunk_count);
  const Box chunks = ChunksOf(layout, ahead);
  AxisVector place = chunks.start;
  do {
    const int64_t number = GridNumber(layout.chunk_grid, place);
    const auto own = std::find_if(loaded.begin(), loaded.end(),
                                  [&](const LoadedChunk& chunk) { return chunk.number == number; });
    if (own != loaded.end()) {
      AddBlocks(layout, loader, *own, BlocksOf(layout, place, ahead), ranges);
      continue;
    }
    const ChunkPlace at = index.Chunk(number);
    if (at.kind != ChunkKind::kBlocks) continue;
    ranges.push_back(
        {at.offset_bytes, at.offset_bytes + std::min(at.available_bytes, chunk_bytes)});
  } while (Advance(chunks, place));
}

}  // namespace

bool BlockReader::IsCold(int64_t bytes) const {
  const auto range_of = [&](const Task& task) {
    return loader_.RangeOf(chunks_[task.chunk], task.block);
  };
  const auto in_file = [](const Task& task) { return task.block != kFill; };
  const auto first = std::find_if(tasks_.begin(), tasks_.end(), in_file);
  if (first == tasks_.end()) return false;
  const auto last = std::find_if(tasks_.rbegin(), tasks_.rend(), in_file);
  const uint64_t stop = range_of(*last).stop;
  return index_.cold_reads().IsCold(file_, range_of(*first).start, stop - 1,
                                    static_cast<uint64_t>(bytes));
}

Status BlockReader::RunCold(int64_t tasks_bytes) const {
  const auto count = static_cast<int64_t>(tasks_.size());
  const auto add = [&](int64_t item, std::vector<FileRange>& ranges) {
    const Task& task = tasks_[static_cast<size_t>(item)];
    if (task.block != kFill) ranges.push_back(loader_.RangeOf(chunks_[task.chunk], task.block));
    if (item + 1 == count) AddAhead(index_, loader_, chunks_, bounds_, ranges);
  };
  return RunAhead(file_, count, max_threads_, add, [&](int64_t first, int64_t stop) {
    return RunTasks(first, stop, std::max<int64_t>(tasks_bytes / count * (stop - first), 1));
  });
}

}  // namespace ndarray
