#include "driver/store/block_reader.h"

#include <algorithm>
#include <cstring>

#include "driver/store/strided_copy.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

// Below this for each, another thread costs more than it brings: waking one takes as long as
// decoding some ten kilobytes.
constexpr int64_t kMinBytesPerThread = int64_t{48} << 10;
// Claiming a task costs little, but blocks may be tiny.
constexpr int64_t kMinBytesPerTask = int64_t{16} << 10;
// Bounds of a batch: what its tasks decode where they have to be read first, and their number.
constexpr int64_t kBatchBytes = int64_t{32} << 20;
constexpr size_t kBatchTasks = size_t{1} << 16;
// Larger scratch is given back after each use.
constexpr size_t kMaxKeptScratchBytes = size_t{4} << 20;

// Instead of a block's number.
constexpr int64_t kFill = -1;
constexpr int64_t kWholeChunk = -2;

AxisVector Counts(const Box& box) {
  AxisVector counts(box.start.size());
  for (int axis = 0; axis < counts.size(); ++axis) counts[axis] = box.count(axis);
  return counts;
}

// The next place of a box in C order; false after the last one.
bool Advance(const Box& box, AxisVector& place) {
  for (int axis = place.size() - 1; axis >= 0; --axis) {
    if (++place[axis] < box.stop[axis]) return true;
    place[axis] = box.start[axis];
  }
  return false;
}

int64_t OffsetOf(const AxisVector& strides, const Box& from, const Box& to) {
  int64_t offset = 0;
  for (int axis = 0; axis < strides.size(); ++axis) {
    offset += (to.start[axis] - from.start[axis]) * strides[axis];
  }
  return offset;
}

// Memory for one block, the thread's own. What it holds ends with the next call.
std::byte* Scratch(size_t size_bytes) {
  thread_local Buffer scratch(0);
  if (scratch.size_bytes() < size_bytes) scratch = Buffer(size_bytes);
  return scratch.data();
}

// The bytes of one element of a chunk that repeats it, padded with zeros.
Result<std::vector<std::byte>> RepeatedElement(const LoadedChunk& chunk, int64_t element_bytes) {
  std::vector<std::byte> element(static_cast<size_t>(element_bytes));
  if (chunk.header.kind == ChunkKind::kNans) {
    constexpr uint32_t kFloatNan = 0x7FC00000;
    constexpr uint64_t kDoubleNan = 0x7FF8000000000000;
    if (element_bytes == sizeof(kFloatNan)) {
      std::memcpy(element.data(), &kFloatNan, sizeof(kFloatNan));
    } else if (element_bytes == sizeof(kDoubleNan)) {
      std::memcpy(element.data(), &kDoubleNan, sizeof(kDoubleNan));
    } else {
      return Mismatch(StatusCode::kCorrupt, "NaN elements",
                      std::to_string(element_bytes) + " bytes", "4 or 8");
    }
  } else if (chunk.header.kind == ChunkKind::kRepeated) {
    const int64_t value_bytes = chunk.header.compressed_bytes - kChunkHeaderBytes;
    if (value_bytes != element_bytes) {
      return Mismatch(StatusCode::kCorrupt, "repeated value",
                      std::to_string(value_bytes) + " bytes", std::to_string(element_bytes));
    }
    std::memcpy(element.data(), chunk.bytes.data() + kChunkHeaderBytes, element.size());
  }
  return element;
}

}  // namespace

BlockReader::BlockReader(const FrameIndex& index, const ByteFile& file, const Field& field,
                         const Box& box, const StridedView& to, int max_threads)
    : index_(index),
      layout_(index.layout()),
      file_(file),
      field_(field),
      box_(box),
      to_(to),
      max_threads_(max_threads),
      loader_(index, file),
      caches_blocks_(BlockCache::Process().Admits(static_cast<size_t>(index.layout().block_bytes))),
      caches_chunks_(
          BlockCache::Process().Admits(static_cast<size_t>(index.layout().chunk_bytes))) {}

Status BlockReader::Run() {
  const Box chunks = ChunksOf(layout_, box_);
  AxisVector place = chunks.start;
  bool more = true;
  while (more) {
    chunks_.clear();
    tasks_.clear();
    int64_t batch_bytes = 0;
    int64_t batch_tasks = 0;
    do {
      const int64_t blocks = AddChunk(place);
      batch_tasks += blocks;
      batch_bytes += blocks * layout_.block_bytes;
      more = Advance(chunks, place);
    } while (more && batch_tasks < static_cast<int64_t>(kBatchTasks) &&
             (loader_.mapped() || batch_bytes < kBatchBytes));
    Status status = RunBatch();
    if (!status.ok()) return status;
  }
  return {};
}

// Returns the number of its blocks that the window touches.
int64_t BlockReader::AddChunk(const AxisVector& place) {
  LoadedChunk chunk;
  chunk.number = GridNumber(layout_.chunk_grid, place);
  chunks_.push_back(std::move(chunk));
  const Box blocks = BlocksOf(layout_, place, box_);
  int64_t count = 1;
  for (int axis = 0; axis < place.size(); ++axis) count *= blocks.count(axis);
  return count;
}

AxisVector BlockReader::PlaceOf(const LoadedChunk& chunk) const {
  return GridPlace(layout_.chunk_grid, chunk.number);
}

void BlockReader::AddTasks(size_t chunk_index, int64_t& tasks_bytes) {
  const LoadedChunk& chunk = chunks_[chunk_index];
  if (chunk.header.kind != ChunkKind::kBlocks) {
    tasks_.push_back({chunk_index, kFill, nullptr});
    tasks_bytes += layout_.chunk_bytes;
    return;
  }
  if (chunk.needs_whole) {
    tasks_.push_back({chunk_index, kWholeChunk, nullptr});
    tasks_bytes += layout_.chunk_bytes;
    return;
  }
  const AxisVector place = PlaceOf(chunk);
  const Box blocks = BlocksOf(layout_, place, box_);
  AxisVector block = blocks.start;
  do {
    tasks_.push_back({chunk_index, GridNumber(layout_.block_grid, block), nullptr});
    tasks_bytes += layout_.block_bytes;
  } while (Advance(blocks, block));
}

BlockCache::Block BlockReader::FindCached(const LoadedChunk& chunk, const Task& task) const {
  if (task.cached != nullptr) return task.cached;
  return BlockCache::Process().Find({index_.cache_file(), chunk.number, task.block},
                                    *index_.counters());
}

// Only of blocks that are not at hand already. What is, is held on to until it is copied.
Status BlockReader::LoadBlocks() {
  std::vector<std::vector<int64_t>> wanted(chunks_.size());
  for (Task& task : tasks_) {
    LoadedChunk& chunk = chunks_[task.chunk];
    if (task.block == kWholeChunk) {
      if (caches_chunks_) task.cached = FindCached(chunk, task);
      if (task.cached != nullptr) chunk.needs_whole = false;
    } else if (task.block >= 0) {
      const Box block =
          BlockBox(layout_, PlaceOf(chunk), GridPlace(layout_.block_grid, task.block));
      if (IsCacheable(chunk, block)) task.cached = FindCached(chunk, task);
      if (task.cached == nullptr) wanted[task.chunk].push_back(task.block);
    }
  }
  return loader_.LoadBlocks(chunks_, wanted);
}

int BlockReader::Threads(int64_t tasks_bytes) const {
  return static_cast<int>(std::min<int64_t>(max_threads_, tasks_bytes / kMinBytesPerThread));
}

Status BlockReader::RunBatch() {
  Status status = loader_.LoadHeaders(chunks_);
  if (!status.ok()) return status;
  int64_t tasks_bytes = 0;
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) AddTasks(chunk, tasks_bytes);
  if (!loader_.mapped()) status = LoadBlocks();
  if (!status.ok()) return status;

  const auto count = static_cast<int64_t>(tasks_.size());
  const int64_t step = std::max<int64_t>(kMinBytesPerTask * count / tasks_bytes, 1);
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr exception;
  // Tasks of the pool must not throw; what allocates may.
  const auto run = [&](int64_t step_number) {
    const int64_t stop = std::min((step_number + 1) * step, count);
    for (int64_t i = step_number * step; i < stop && !failed; ++i) {
      Status result;
      std::exception_ptr thrown;
      try {
        result = RunTask(tasks_[static_cast<size_t>(i)]);
        if (result.ok()) continue;
      } catch (...) {
        thrown = std::current_exception();
      }
      const std::lock_guard<std::mutex> lock(mutex);
      if (failed.exchange(true)) continue;
      status = result;
      exception = thrown;
    }
  };
  ParallelFor((count + step - 1) / step, Threads(tasks_bytes), run);
  if (exception) std::rethrow_exception(exception);
  return status;
}

Status BlockReader::RunTask(const Task& task) const {
  const LoadedChunk& chunk = chunks_[task.chunk];
  Status status = task.block == kFill         ? Fill(chunk)
                  : task.block == kWholeChunk ? ReadWhole(chunk, task)
                                              : ReadBlock(chunk, task);
  return status.ok() ? status : status.At(chunk.Name()).At(file_.path());
}

Status BlockReader::Fill(const LoadedChunk& chunk) const {
  Result<std::vector<std::byte>> element = RepeatedElement(chunk, layout_.element.element_bytes);
  if (!element.ok()) return element.status();
  const AxisVector place = PlaceOf(chunk);
  Box chunk_box{AxisVector(place.size()), AxisVector(place.size())};
  for (int axis = 0; axis < place.size(); ++axis) {
    chunk_box.start[axis] = place[axis] * layout_.chunk_shape[axis];
    chunk_box.stop[axis] =
        std::min(chunk_box.start[axis] + layout_.chunk_shape[axis], layout_.shape[axis]);
  }
  const Box part = PartOf(chunk_box);
  const AxisVector no_strides(place.size(), 0);
  StridedCopy(field_.dtype, Counts(part), {element->data() + field_.offset_bytes, no_strides},
              {Destination(part), to_.strides_bytes}, 1);
  return {};
}

Status BlockReader::ReadWhole(const LoadedChunk& chunk, const Task& task) const {
  BlockCache::Block decoded = caches_chunks_ ? FindCached(chunk, task) : nullptr;
  if (decoded == nullptr) {
    const auto fresh = std::make_shared<Buffer>(static_cast<size_t>(layout_.chunk_bytes));
    Status status = index_.codec().DecodeChunk(chunk.bytes, chunk.header, fresh->data());
    if (!status.ok()) return status;
    index_.decoded_blocks().fetch_add(layout_.blocks_per_chunk, std::memory_order_relaxed);
    decoded = fresh;
    if (caches_chunks_) {
      BlockCache::Process().Insert({index_.cache_file(), chunk.number, kWholeChunk}, decoded,
                                   index_.counters());
    }
  }
  const AxisVector place = PlaceOf(chunk);
  const Box blocks = BlocksOf(layout_, place, box_);
  AxisVector block = blocks.start;
  do {
    const int64_t offset = GridNumber(layout_.block_grid, block) * layout_.block_bytes;
    const Box block_box = BlockBox(layout_, place, block);
    Copy(decoded->data() + offset, block_box, PartOf(block_box));
  } while (Advance(blocks, block));
  return {};
}

Status BlockReader::ReadBlock(const LoadedChunk& chunk, const Task& task) const {
  const Box block = BlockBox(layout_, PlaceOf(chunk), GridPlace(layout_.block_grid, task.block));
  const Box part = PartOf(block);
  if (IsCacheable(chunk, block)) {
    if (const BlockCache::Block cached = FindCached(chunk, task)) {
      Copy(cached->data(), block, part);
      return {};
    }
  }
  if (chunk.header.stored) {
    const int64_t offset = kChunkHeaderBytes + task.block * layout_.block_bytes;
    Copy(reinterpret_cast<const std::byte*>(chunk.bytes.data()) + offset, block, part);
    return {};
  }
  if (LiesAsInFile(block, part)) return Decode(chunk, task.block, Destination(part));

  const auto block_bytes = static_cast<size_t>(layout_.block_bytes);
  if (IsWanted(chunk, block)) {
    const auto fresh = std::make_shared<Buffer>(block_bytes);
    Status status = Decode(chunk, task.block, fresh->data());
    if (!status.ok()) return status;
    Copy(fresh->data(), block, part);
    BlockCache::Process().Insert({index_.cache_file(), chunk.number, task.block}, fresh,
                                 index_.counters());
    return {};
  }
  std::optional<Buffer> large;
  if (block_bytes > kMaxKeptScratchBytes) large.emplace(block_bytes);
  std::byte* const scratch = large ? large->data() : Scratch(block_bytes);
  Status status = Decode(chunk, task.block, scratch);
  if (status.ok()) Copy(scratch, block, part);
  return status;
}

Status BlockReader::Decode(const LoadedChunk& chunk, int64_t block, std::byte* to) const {
  index_.decoded_blocks().fetch_add(1, std::memory_order_relaxed);
  Status status = index_.codec().DecodeBlock(chunk.bytes, chunk.header, block, to);
  return status.ok() ? status : status.At("block " + std::to_string(block));
}

Box BlockReader::PartOf(const Box& block) const {
  Box part = block;
  for (int axis = 0; axis < part.start.size(); ++axis) {
    part.start[axis] = std::max(part.start[axis], box_.start[axis]);
    part.stop[axis] = std::min(part.stop[axis], box_.stop[axis]);
  }
  return part;
}

// Whether the block holds more of the array than the window takes.
bool BlockReader::IsPartial(const Box& block, const Box& part) const {
  if (layout_.element.fields.size() > 1) return true;
  for (int axis = 0; axis < block.start.size(); ++axis) {
    if (block.count(axis) != part.count(axis)) return true;
  }
  return false;
}

bool BlockReader::IsCacheable(const LoadedChunk& chunk, const Box& block) const {
  return caches_blocks_ && !chunk.header.stored && IsPartial(block, PartOf(block));
}

// Whether the cache is to keep a block that was not there. The other fields of a record are next.
bool BlockReader::IsWanted(const LoadedChunk& chunk, const Box& block) const {
  if (!IsCacheable(chunk, block)) return false;
  const Box part = PartOf(block);
  int64_t used_bytes = layout_.element.element_bytes;
  for (int axis = 0; axis < part.start.size(); ++axis) used_bytes *= part.count(axis);
  return layout_.element.fields.size() > 1 ||
         BlockCache::Process().IsWanted(*index_.counters(), used_bytes, layout_.block_bytes);
}

std::byte* BlockReader::Destination(const Box& part) const {
  return static_cast<std::byte*>(to_.data) + OffsetOf(to_.strides_bytes, box_, part);
}

// Whether a whole block, padding included, is dense and in file order in the caller's memory.
bool BlockReader::LiesAsInFile(const Box& block, const Box& part) const {
  if (layout_.element.is_record || field_.dtype.swapped()) return false;
  for (int axis = 0; axis < block.start.size(); ++axis) {
    if (part.count(axis) != layout_.block_shape[axis]) return false;
    if (part.count(axis) > 1 && to_.strides_bytes[axis] != layout_.block_strides_bytes[axis]) {
      return false;
    }
  }
  return true;
}

void BlockReader::Copy(const std::byte* block, const Box& block_box, const Box& part) const {
  const std::byte* const from =
      block + OffsetOf(layout_.block_strides_bytes, block_box, part) + field_.offset_bytes;
  StridedCopy(field_.dtype, Counts(part), {from, layout_.block_strides_bytes},
              {Destination(part), to_.strides_bytes}, 1);
}

}  // namespace ndarray
