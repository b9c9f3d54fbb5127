#include "driver/store/b2nd/block_reader.h"

#include <algorithm>
#include <cstring>

#include "driver/store/box.h"
#include "driver/store/buffer.h"
#include "driver/store/damage.h"
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
// The same for their chunks, each of which has memory for all it might hold.
constexpr int64_t kBatchChunkBytes = int64_t{128} << 20;
constexpr int64_t kBatchTasks = int64_t{1} << 16;
// Larger scratch is given back after each use.
constexpr size_t kMaxKeptScratchBytes = size_t{4} << 20;

// c-blosc2 counts up to the block it is asked for. Beyond this many steps for all blocks of a chunk
// it is asked for the chunk.
constexpr int64_t kMaxSteps = int64_t{1} << 24;

// Filters are undone for each run of bytes by itself. Where there are more runs than that, they are
// so short that it takes less time to undo them for all of a block and to copy.
constexpr size_t kMinBytesPerRun = 64;
constexpr size_t kMaxStraightTargets = 4;

Box Bounds(const ReadTargets& targets) {
  Box bounds = targets[0].box;
  for (const ReadTarget& target : targets) {
    for (int axis = 0; axis < bounds.start.size(); ++axis) {
      bounds.start[axis] = std::min(bounds.start[axis], target.box.start[axis]);
      bounds.stop[axis] = std::max(bounds.stop[axis], target.box.stop[axis]);
    }
  }
  return bounds;
}

// The caller's memory for a part of a target's box.
std::byte* AddressOf(const ReadTarget& target, const Box& part) {
  return static_cast<std::byte*>(target.to.data) +
         OffsetOf(target.to.strides_bytes, target.box, part);
}

}  // namespace

BlockReader::BlockReader(const FrameIndex& index, const ByteFile& file, const ReadTargets& targets,
                         int max_threads)
    : index_(index),
      cached_file_(index.cached_file()),
      layout_(index.layout()),
      file_(file),
      targets_(targets),
      max_threads_(max_threads),
      bounds_(Bounds(targets)),
      loader_(index, file),
      caches_blocks_(BlockCache::Process().Admits(static_cast<size_t>(index.layout().block_bytes))),
      caches_chunks_(
          BlockCache::Process().Admits(static_cast<size_t>(index.layout().chunk_bytes))) {}

Status BlockReader::Run() {
  const Box chunks = ChunksOf(layout_, bounds_);
  AxisVector position = chunks.start;
  bool more = true;
  while (more) {
    chunks_.clear();
    tasks_.clear();
    int64_t blocks = 0;
    do {
      AddChunk(position, blocks);
      more = Advance(chunks, position);
    } while (more && blocks < kBatchTasks &&
             (loader_.mapped() ||
              (blocks * layout_.block_bytes < kBatchBytes &&
               static_cast<int64_t>(chunks_.size()) * layout_.chunk_bytes < kBatchChunkBytes)));
    if (chunks_.empty()) continue;
    Status status = RunBatch(blocks * layout_.block_bytes);
    if (!status.ok()) return DamagedFile(status, file_.path(), kVerify);
  }
  return {};
}

// Adds its blocks, about, to those of the batch.
void BlockReader::AddChunk(const AxisVector& position, int64_t& blocks) {
  if (targets_.size() > 1 && UsedBytes(ChunkBox(layout_, position)) == 0) return;
  LoadedChunk chunk;
  chunk.chunk_index = GridIndex(layout_.chunk_grid, position);
  const int64_t count = ElementsIn(BlocksOf(layout_, position, bounds_));
  chunk.wants_most = targets_.size() == 1 && count > layout_.blocks_per_chunk / 2;
  chunks_.push_back(std::move(chunk));
  blocks += count;
}

AxisVector BlockReader::PositionOf(const LoadedChunk& chunk) const {
  return GridPosition(layout_.chunk_grid, chunk.chunk_index);
}

void BlockReader::AddTasks(size_t chunk_index, int64_t& tasks_bytes) {
  const LoadedChunk& chunk = chunks_[chunk_index];
  if (chunk.header.kind != ChunkKind::kBlocks) {
    tasks_.push_back({chunk_index, kFill, {}});
    tasks_bytes += layout_.chunk_bytes;
    return;
  }
  if (chunk.needs_whole || (!chunk.header.stored && !chunk.format &&
                            ElementsIn(BlocksOf(layout_, PositionOf(chunk), bounds_)) >
                                kMaxSteps / layout_.blocks_per_chunk)) {
    tasks_.push_back({chunk_index, kWholeChunk, {}});
    tasks_bytes += layout_.chunk_bytes;
    return;
  }
  const AxisVector position = PositionOf(chunk);
  const Box blocks = BlocksOf(layout_, position, bounds_);
  AxisVector block = blocks.start;
  do {
    // Between several windows there may be blocks that belong to none of them.
    if (targets_.size() > 1 && UsedBytes(BlockBox(layout_, position, block)) == 0) continue;
    tasks_.push_back({chunk_index, GridIndex(layout_.block_grid, block), {}});
    tasks_bytes += layout_.block_bytes;
  } while (Advance(blocks, block));
}

BlockReader::Lookup BlockReader::LookUp(const LoadedChunk& chunk, int64_t number,
                                        const Box& block) const {
  if (!caches_blocks_ || chunk.header.stored) return {};
  const int64_t used_bytes = UsedBytes(block);
  const bool whole = used_bytes >= ElementsIn(block) * layout_.element.element_bytes;
  if (whole && !cached_file_.WantsWhole(chunk.chunk_index, number, layout_.block_bytes)) return {};
  Lookup lookup{cached_file_.Find(chunk.chunk_index, number), false};
  lookup.wanted = lookup.cached == nullptr &&
                  (whole || (BlockCache::Process().Follows(BlockCache::kSlabs) && IsSlab(block)) ||
                   cached_file_.WantsPart(used_bytes, layout_.block_bytes));
  return lookup;
}

BlockReader::Lookup BlockReader::LookUpWhole(const LoadedChunk& chunk) const {
  if (!caches_chunks_) return {};
  Lookup lookup{cached_file_.Find(chunk.chunk_index, kWholeChunk), false};
  lookup.wanted = lookup.cached == nullptr;
  return lookup;
}

// Only of blocks that are not at hand already. What is, is held on to until it is copied.
Status BlockReader::LoadBlocks() {
  std::vector<std::vector<int64_t>> wanted(chunks_.size());
  for (Task& task : tasks_) {
    const LoadedChunk& chunk = chunks_[task.chunk];
    if (task.block == kWholeChunk) {
      task.lookup = LookUpWhole(chunk);
      if (task.lookup->cached == nullptr) wanted[task.chunk] = {ChunkLoader::kAllBlocks};
    } else if (task.block >= 0) {
      const Box block =
          BlockBox(layout_, PositionOf(chunk), GridPosition(layout_.block_grid, task.block));
      task.lookup = LookUp(chunk, task.block, block);
      if (task.lookup->cached == nullptr) wanted[task.chunk].push_back(task.block);
    }
  }
  return loader_.LoadBlocks(chunks_, wanted, max_threads_);
}

int BlockReader::Threads(int64_t tasks_bytes) const {
  return static_cast<int>(std::min<int64_t>(max_threads_, tasks_bytes / kMinBytesPerThread));
}

// `bytes`: of its blocks, about.
Status BlockReader::RunBatch(int64_t bytes) {
  const bool looks =
      loader_.mapped() && cached_file_.cold_reads().IsDue(static_cast<uint64_t>(bytes));
  if (looks) loader_.AskForHeaders(chunks_, max_threads_);
  Status status = loader_.LoadHeaders(chunks_);
  if (!status.ok()) return status;
  int64_t tasks_bytes = 0;
  for (size_t chunk = 0; chunk < chunks_.size(); ++chunk) AddTasks(chunk, tasks_bytes);
  if (!loader_.mapped()) status = LoadBlocks();
  if (!status.ok() || tasks_.empty()) return status;
  if (looks && IsCold(bytes)) return RunCold(tasks_bytes);
  return RunTasks(0, static_cast<int64_t>(tasks_.size()), tasks_bytes);
}

// Tasks [first, stop), which decode about so many bytes.
Status BlockReader::RunTasks(int64_t first, int64_t stop, int64_t tasks_bytes) const {
  const int64_t count = stop - first;
  const int64_t step = std::max<int64_t>(kMinBytesPerTask * count / tasks_bytes, 1);
  return TryParallelFor((count + step - 1) / step, Threads(tasks_bytes), [&](int64_t number) {
    const int64_t end = std::min(first + (number + 1) * step, stop);
    for (int64_t i = first + number * step; i < end; ++i) {
      Status result = RunTask(tasks_[static_cast<size_t>(i)]);
      if (!result.ok()) return result;
    }
    return Status();
  });
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
  const Box chunk_box = ChunkBox(layout_, PositionOf(chunk));
  const AxisVector no_strides(chunk_box.start.size(), 0);
  for (const ReadTarget& target : targets_) {
    const Box part = Intersection(chunk_box, target.box);
    if (IsEmpty(part)) continue;
    const Field& field = layout_.element.fields[target.field];
    StridedCopy(field.dtype, Counts(part), {element->data() + field.offset_bytes, no_strides},
                {AddressOf(target, part), target.to.strides_bytes}, 1);
  }
  return {};
}

Status BlockReader::ReadWhole(const LoadedChunk& chunk, const Task& task) const {
  const Lookup lookup = task.lookup ? *task.lookup : LookUpWhole(chunk);
  BlockCache::Block decoded = lookup.cached;
  if (decoded == nullptr) {
    const auto fresh = std::make_shared<Buffer>(static_cast<size_t>(layout_.chunk_bytes));
    Status status = chunk.DecodeChunk(index_.codec(), fresh->data());
    loader_.NoteChunk(chunk);
    if (!status.ok()) return status.At("array" + SliceText(ChunkBox(layout_, PositionOf(chunk))));
    cached_file_.NoteDecoded(layout_.blocks_per_chunk);
    decoded = fresh;
    if (lookup.wanted) cached_file_.Insert(chunk.chunk_index, kWholeChunk, decoded);
  }
  const AxisVector position = PositionOf(chunk);
  const Box blocks = BlocksOf(layout_, position, bounds_);
  AxisVector block = blocks.start;
  do {
    const int64_t offset = GridIndex(layout_.block_grid, block) * layout_.block_bytes;
    Copy(decoded->data() + offset, BlockBox(layout_, position, block));
  } while (Advance(blocks, block));
  return {};
}

Status BlockReader::ReadBlock(const LoadedChunk& chunk, const Task& task) const {
  const Box block =
      BlockBox(layout_, PositionOf(chunk), GridPosition(layout_.block_grid, task.block));
  if (chunk.header.stored) {
    const int64_t offset = kChunkHeaderBytes + task.block * layout_.block_bytes;
    Copy(reinterpret_cast<const std::byte*>(chunk.bytes.data()) + offset, block);
    loader_.NoteBlock(chunk, task.block);
    return {};
  }
  const Lookup lookup = task.lookup ? *task.lookup : LookUp(chunk, task.block, block);
  if (lookup.cached != nullptr) {
    Copy(lookup.cached->data(), block);
    return {};
  }
  const auto block_bytes = static_cast<size_t>(layout_.block_bytes);
  if (lookup.wanted) {
    const auto fresh = std::make_shared<Buffer>(block_bytes);
    Status status = Decode(chunk, task.block, fresh->data());
    if (!status.ok()) return status;
    Copy(fresh->data(), block);
    cached_file_.Insert(chunk.chunk_index, task.block, fresh);
    return {};
  }
  if (std::byte* const in_place = InPlace(block)) return Decode(chunk, task.block, in_place);
  Status straight;
  if (DecodeStraight(chunk, task.block, block, straight)) return straight;
  std::optional<Buffer> large;
  if (block_bytes > kMaxKeptScratchBytes) large.emplace(block_bytes);
  std::byte* const scratch = large ? large->data() : ThreadScratch<BlockReader>(block_bytes);
  Status status = Decode(chunk, task.block, scratch);
  if (status.ok()) Copy(scratch, block);
  const bool is_filtered = !chunk.format || chunk.format->steps_size > 0;
  if (is_filtered) cached_file_.NoteScratch(UsedBytes(block));
  return status;
}

Status BlockReader::Decode(const LoadedChunk& chunk, int64_t block, std::byte* to) const {
  cached_file_.NoteDecoded(1);
  Status status = chunk.DecodeBlock(index_.codec(), block, to);
  loader_.NoteBlock(chunk, block);
  return AtBlock(status, chunk, block);
}

Status BlockReader::AtBlock(const Status& status, const LoadedChunk& chunk, int64_t block) const {
  if (status.ok()) return status;
  const Box box = BlockBox(layout_, PositionOf(chunk), GridPosition(layout_.block_grid, block));
  return status.At("block " + std::to_string(block) + ", array" + SliceText(box));
}

bool BlockReader::FindRuns(const ReadTarget& target, const Box& box, BlockRuns& runs) const {
  const Box part = Intersection(box, target.box);
  if (IsEmpty(part)) return false;
  runs.to = AddressOf(target, part);
  runs.start = static_cast<size_t>(OffsetOf(layout_.block_strides_bytes, box, part));
  int64_t run_bytes = layout_.element.element_bytes;
  size_t at = runs.axes.size();  // they are found from the last one on
  for (int axis = part.start.size() - 1; axis >= 0; --axis) {
    const int64_t count = part.count(axis);
    if (count == 1) continue;
    const int64_t step = layout_.block_strides_bytes[axis];
    const int64_t to_step = target.to.strides_bytes[axis];
    if (at == runs.axes.size() && step == run_bytes && to_step == run_bytes) {
      run_bytes *= count;
    } else {
      runs.axes[--at] = {static_cast<size_t>(count), static_cast<size_t>(step), to_step};
    }
  }
  runs.run_bytes = static_cast<size_t>(run_bytes);
  runs.axes_size = static_cast<int>(runs.axes.size() - at);
  std::copy(runs.axes.begin() + static_cast<std::ptrdiff_t>(at), runs.axes.end(),
            runs.axes.begin());
  return true;
}

bool BlockReader::DecodeStraight(const LoadedChunk& chunk, int64_t block, const Box& box,
                                 Status& status) const {
  if (!chunk.format || layout_.element.is_record || targets_.size() > kMaxStraightTargets) {
    return false;
  }
  std::array<BlockRuns, kMaxStraightTargets> runs;
  size_t count = 0;
  size_t pieces = 0;
  for (const ReadTarget& target : targets_) {
    if (layout_.element.fields[target.field].dtype.swapped()) return false;
    if (!FindRuns(target, box, runs[count])) continue;
    pieces += SingleRuns(*chunk.format, runs[count]);
    ++count;
  }
  if (pieces * kMinBytesPerRun > static_cast<size_t>(layout_.block_bytes)) return false;
  cached_file_.NoteDecoded(1);
  status = chunk.DecodeRuns(block, runs.data(), count);
  loader_.NoteBlock(chunk, block);
  status = AtBlock(status, chunk, block);
  return true;
}

int64_t BlockReader::UsedBytes(const Box& box) const {
  int64_t used = 0;
  for (const ReadTarget& target : targets_) {
    const Field& field = layout_.element.fields[target.field];
    used +=
        ElementsIn(Intersection(box, target.box)) * static_cast<int64_t>(field.dtype.size_bytes());
  }
  return used;
}

bool BlockReader::IsSlab(const Box& block) const {
  for (int axis = 0; axis < block.start.size(); ++axis) {
    const int64_t length = layout_.shape[axis];
    if (block.count(axis) == length && bounds_.count(axis) < length) return true;
  }
  return false;
}

std::byte* BlockReader::InPlace(const Box& block) const {
  const ReadTarget& target = targets_[0];
  const DType& dtype = layout_.element.fields[target.field].dtype;
  if (targets_.size() > 1 || layout_.element.is_record || dtype.swapped()) return nullptr;
  const Box part = Intersection(block, target.box);
  for (int axis = 0; axis < block.start.size(); ++axis) {
    // The whole block, padding included.
    if (part.count(axis) != layout_.block_shape[axis]) return nullptr;
    if (part.count(axis) > 1 &&
        target.to.strides_bytes[axis] != layout_.block_strides_bytes[axis]) {
      return nullptr;
    }
  }
  return AddressOf(target, part);
}

void BlockReader::Copy(const std::byte* block, const Box& box) const {
  for (const ReadTarget& target : targets_) {
    const Box part = Intersection(box, target.box);
    if (IsEmpty(part)) continue;
    const Field& field = layout_.element.fields[target.field];
    const std::byte* const from =
        block + OffsetOf(layout_.block_strides_bytes, box, part) + field.offset_bytes;
    StridedCopy(field.dtype, Counts(part), {from, layout_.block_strides_bytes},
                {AddressOf(target, part), target.to.strides_bytes}, 1);
  }
}

}  // namespace ndarray
