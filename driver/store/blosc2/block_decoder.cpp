#include "driver/store/blosc2/block_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "driver/store/blosc2/codecs.h"
#include "driver/store/blosc2/filter_kernels.h"
#include "driver/store/buffer.h"

namespace ndarray {
namespace {

using Kind = FilterStep::Kind;

constexpr uint8_t kOldestVersion = 4;  // before, filters had other layouts
constexpr int64_t kMaxBlockBytes = 536866816;
constexpr size_t kMaxWidth = 255;  // of what chunks can say

// Larger memory is given back after each block.
constexpr size_t kMaxKeptBytes = size_t{4} << 20;

struct ThreadMemory {
  Buffer planes = Buffer(0);
  Buffer other = Buffer(0);  // for filters before the last
};

ThreadMemory& MemoryOfThread() {
  thread_local ThreadMemory memory;
  return memory;
}

std::byte* Room(Buffer& buffer, size_t size_bytes) {
  if (buffer.size_bytes() < size_bytes) {
    buffer = Buffer(0);
    buffer = Buffer(size_bytes);
  }
  return buffer.data();
}

using UnfilterRows = void(const std::byte* planes, size_t elements, size_t element_bytes,
                          const FilterRows& rows);

RunParts PartsOf(const FilterStep& step, const BlockRuns& runs) {
  return step.kind == Kind::kUnshuffle ? FindParts(runs, step.width) : RunParts();
}

// One block between its streams and the caller.
class OpenBlock {
 public:
  OpenBlock(const BlockFormat& format, size_t block_bytes)
      : format_(format), block_bytes_(block_bytes), memory_(MemoryOfThread()) {}
  ~OpenBlock() {
    if (block_bytes_ > kMaxKeptBytes) memory_ = ThreadMemory();
  }
  OpenBlock(const OpenBlock&) = delete;
  OpenBlock& operator=(const OpenBlock&) = delete;

  // Decodes the streams, as far as bytes [0, stop) of the block need them.
  Status Decode(std::string_view chunk, int64_t block, size_t stop);
  // Undoes the filters, the last on the way to the runs.
  void Undo(const BlockRuns* runs, size_t count);

 private:
  WantedBytes Wanted(size_t streams) const;
  // The width of the last two filters where they are SHUFFLE and BYTEDELTA of its planes, else 0.
  size_t DeltaPlanes() const;
  bool UndoDeltaPlanes(const FilterStep& shuffle, const BlockRuns& runs) const;
  bool UndoParts(UnfilterRows* unfilter, const FilterStep& step, const BlockRuns& runs,
                 bool in_one_pass) const;
  void UndoBetween(const FilterStep& step);
  void UndoDelta(size_t width, size_t plane_stop);
  std::byte* Own();
  void CopyBytes(const BlockRuns& runs) const;
  void CopyPlanes(const FilterStep& step, const BlockRuns& runs) const;
  void CopyElements(const FilterStep& step, size_t start, size_t bytes, std::byte* to) const;
  void Unfilter(const FilterStep& step, const FilterRows& rows) const;
  size_t Elements(const FilterStep& step) const;
  bool AreElements(const FilterStep& step, const BlockRuns& runs) const;

  const BlockFormat& format_;
  const size_t block_bytes_;
  ThreadMemory& memory_;
  const std::byte* planes_ = nullptr;  // as far as filters have been undone
  size_t stop_ = 0;
};

// Runs along the innermost axis. REQUIRES: whole elements
FilterRows RowsOf(const FilterStep& step, const BlockRuns& runs) {
  const size_t count = runs.run_bytes / step.width;
  FilterRows rows{runs.start / step.width, count, count, 1, runs.to, 0};
  if (runs.axes_size > 0) {
    const BlockRuns::Axis& axis = runs.axes[static_cast<size_t>(runs.axes_size) - 1];
    rows.step = axis.block_step / step.width;
    rows.rows = axis.count;
    rows.to_step_bytes = axis.to_step;
  }
  return rows;
}

FilterRows OneRun(size_t first, size_t count, std::byte* to) {
  return {first, count, count, 1, to, 0};
}

// Bitshuffle leaves alone what is behind the last eight whole elements, the others what is behind
// the last one.
size_t OpenBlock::Elements(const FilterStep& step) const {
  const size_t elements = block_bytes_ / step.width;
  return step.kind == Kind::kBitUnshuffle ? elements - elements % 8 : elements;
}

// Whether runs are of whole elements of the filter.
bool OpenBlock::AreElements(const FilterStep& step, const BlockRuns& runs) const {
  bool are_whole = runs.start % step.width == 0 && runs.run_bytes % step.width == 0 &&
                   runs.stop() <= Elements(step) * step.width;
  for (int axis = 0; axis < runs.axes_size; ++axis) {
    are_whole &= runs.axes[static_cast<size_t>(axis)].block_step % step.width == 0;
  }
  return are_whole;
}

void OpenBlock::Unfilter(const FilterStep& step, const FilterRows& rows) const {
  if (step.kind == Kind::kBitUnshuffle) {
    BitUnshuffle(planes_, Elements(step), step.width, rows);
  } else {
    Unshuffle(planes_, Elements(step), step.width, rows);
  }
}

size_t OpenBlock::DeltaPlanes() const {
  const size_t steps = format_.steps_size;
  if (steps < 2) return 0;
  const FilterStep& delta = format_.steps[steps - 2];
  const FilterStep& shuffle = format_.steps[steps - 1];
  const bool are_both = delta.kind == Kind::kUndelta && shuffle.kind == Kind::kUnshuffle &&
                        delta.width == shuffle.width;
  return are_both ? shuffle.width : 0;
}

// Without filters only the first bytes are wanted, and where each plane is a stream of its own only
// the first of each. (Planes of bits lie all over one stream.)
WantedBytes OpenBlock::Wanted(size_t streams) const {
  const size_t steps = format_.steps_size;
  if (steps == 0) return {stop_, false};
  const FilterStep& last = format_.steps[steps - 1];
  const bool by_planes = last.kind == Kind::kUnshuffle && last.width == streams &&
                         (steps == 1 || (steps == 2 && DeltaPlanes() != 0));
  if (by_planes) return {(stop_ + streams - 1) / streams, true};
  return {};
}

Status OpenBlock::Decode(std::string_view chunk, int64_t block, size_t stop) {
  stop_ = stop;
  const size_t streams = format_.Streams(block_bytes_);
  std::byte* const room = Room(memory_.planes, block_bytes_);
  planes_ = room;
  return DecodeStreams(format_.streams, chunk, block, block_bytes_, streams, Wanted(streams), room,
                       &planes_);
}

// The planes in memory that may be changed: until now they may be those in the chunk.
std::byte* OpenBlock::Own() {
  std::byte* const own = memory_.planes.data();
  if (planes_ != own) std::memcpy(own, planes_, block_bytes_);
  planes_ = own;
  return own;
}

// Undoes bytes [0, plane_stop) of each plane, at least.
void OpenBlock::UndoDelta(size_t width, size_t plane_stop) {
  const size_t plane_bytes = block_bytes_ / width;
  if (plane_bytes == 0) return;  // files may claim elements of any size
  std::byte* const planes = Own();
  // Planes together are quicker than one after another.
  if (plane_stop > plane_bytes - plane_bytes / 4) return Undelta(planes, plane_bytes, width);
  for (size_t plane = 0; plane < width; ++plane) {
    Undelta(planes + plane * plane_bytes, plane_stop, 1);
  }
}

// Of runs that are parts of elements, which have planes of their own; false for others.
bool OpenBlock::UndoParts(UnfilterRows* unfilter, const FilterStep& step, const BlockRuns& runs,
                          bool in_one_pass) const {
  const size_t elements = Elements(step);
  const RunParts parts = PartsOf(step, runs);
  if (parts.axis < 0 || runs.stop() > elements * step.width) return false;
  if (in_one_pass && parts.outer_axes > 0) return false;
  const size_t count = runs.axes[static_cast<size_t>(parts.axis)].count;
  FilterRows rows = OneRun(0, count, nullptr);
  BlockRuns outer = Without(runs, std::max(parts.axis, parts.row_axis));
  if (parts.row_axis >= 0) {
    const BlockRuns::Axis& axis = runs.axes[static_cast<size_t>(parts.row_axis)];
    rows.step = axis.block_step / step.width;
    rows.rows = axis.count;
    rows.to_step_bytes = axis.to_step;
    outer = Without(outer, std::min(parts.axis, parts.row_axis));
  }
  ForEachRun(outer, [&](size_t start, std::byte* to) {
    rows.first = start / step.width;
    rows.to = to;
    unfilter(planes_ + start % step.width * elements, elements, runs.run_bytes, rows);
  });
  return true;
}

// Both in one, which sums planes up from their starts for each set of rows.
bool OpenBlock::UndoDeltaPlanes(const FilterStep& shuffle, const BlockRuns& runs) const {
  if (UndoParts(UndeltaUnshuffle, shuffle, runs, true)) return true;
  if (runs.axes_size > 1 || !AreElements(shuffle, runs)) return false;
  UndeltaUnshuffle(planes_, Elements(shuffle), shuffle.width, RowsOf(shuffle, runs));
  return true;
}

void OpenBlock::UndoBetween(const FilterStep& step) {
  if (step.kind == Kind::kUndelta) return UndoDelta(step.width, block_bytes_ / step.width);
  std::byte* const to = Room(memory_.other, block_bytes_);
  const size_t elements = Elements(step);
  Unfilter(step, OneRun(0, elements, to));
  const size_t done = elements * step.width;
  std::memcpy(to + done, planes_ + done, block_bytes_ - done);
  std::swap(memory_.planes, memory_.other);
  planes_ = to;
}

void OpenBlock::CopyBytes(const BlockRuns& runs) const {
  ForEachRun(
      runs, [&](size_t start, std::byte* to) { std::memcpy(to, planes_ + start, runs.run_bytes); });
}

// One run that may begin and end within elements of the filter.
void OpenBlock::CopyElements(const FilterStep& step, size_t start, size_t bytes,
                             std::byte* to) const {
  const size_t filtered = Elements(step) * step.width;
  const size_t stop = start + bytes;
  while (start < stop && start < filtered) {
    const size_t within = start % step.width;
    size_t done = 0;
    if (within == 0 && stop - start >= step.width) {
      const size_t count = (std::min(stop, filtered) - start) / step.width;
      Unfilter(step, OneRun(start / step.width, count, to));
      done = count * step.width;
    } else {
      std::array<std::byte, kMaxWidth> element;
      Unfilter(step, OneRun(start / step.width, 1, element.data()));
      done = std::min(step.width - within, stop - start);
      std::memcpy(to, element.data() + within, done);
    }
    start += done;
    to += done;
  }
  std::memcpy(to, planes_ + start, stop - start);
}

void OpenBlock::CopyPlanes(const FilterStep& step, const BlockRuns& runs) const {
  if (UndoParts(Unshuffle, step, runs, false)) return;
  if (!AreElements(step, runs)) {
    return ForEachRun(
        runs, [&](size_t start, std::byte* to) { CopyElements(step, start, runs.run_bytes, to); });
  }
  // The innermost axis is the rows of one call.
  FilterRows rows = RowsOf(step, runs);
  BlockRuns outer = runs;
  if (outer.axes_size > 0) --outer.axes_size;
  ForEachRun(outer, [&](size_t start, std::byte* to) {
    rows.first = start / step.width;
    rows.to = to;
    Unfilter(step, rows);
  });
}

void OpenBlock::Undo(const BlockRuns* runs, size_t count) {
  const size_t steps = format_.steps_size;
  const size_t delta_planes = DeltaPlanes();
  const size_t together = delta_planes != 0 ? 2 : 1;
  size_t i = 0;
  for (; i + together < steps; ++i) UndoBetween(format_.steps[i]);
  if (delta_planes != 0) {
    if (count == 1 && UndoDeltaPlanes(format_.steps[steps - 1], runs[0])) return;
    UndoDelta(delta_planes, (stop_ + delta_planes - 1) / delta_planes);
    ++i;
  }
  const FilterStep* last = i < steps ? &format_.steps[i] : nullptr;
  if (last != nullptr && last->kind == Kind::kUndelta) {
    UndoDelta(last->width, block_bytes_ / last->width);
    last = nullptr;
  }
  for (size_t k = 0; k < count; ++k) {
    last == nullptr ? CopyBytes(runs[k]) : CopyPlanes(*last, runs[k]);
  }
}

std::optional<FilterStep> StepOf(uint8_t filter, uint8_t meta, const BloscChunk& chunk,
                                 int64_t file_element_bytes) {
  switch (filter) {
    case filter_id::kShuffle:
      return FilterStep{Kind::kUnshuffle, meta != 0 ? meta : chunk.element_bytes};
    case filter_id::kBitShuffle:
      return FilterStep{Kind::kBitUnshuffle, chunk.element_bytes};
    case filter_id::kByteDelta:
      return FilterStep{Kind::kUndelta, meta != 0 ? meta : static_cast<size_t>(file_element_bytes)};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<BlockFormat> FindBlockFormat(const BloscChunk& chunk, int64_t file_element_bytes) {
  if (chunk.kind != ChunkKind::kBlocks || chunk.stored || chunk.has_dictionary ||
      chunk.has_plugin_codec || chunk.version < kOldestVersion || chunk.element_bytes == 0 ||
      chunk.block_bytes > kMaxBlockBytes || file_element_bytes < 1 ||
      (chunk.codec != codec_id::kLz4 && chunk.codec != codec_id::kZstd)) {
    return std::nullopt;
  }
  BlockFormat format;
  format.streams.codec = chunk.codec == codec_id::kLz4 ? StreamCodec::kLz4 : StreamCodec::kZstd;
  format.streams.directory_bytes = static_cast<size_t>(chunk.directory_bytes());
  format.block_bytes = static_cast<size_t>(chunk.block_bytes);
  format.chunk_bytes = static_cast<size_t>(chunk.uncompressed_bytes);
  if (chunk.is_split) format.stream_count = chunk.element_bytes;
  if (format.block_bytes % format.stream_count != 0) return std::nullopt;
  for (size_t slot = kMaxFilters; slot-- > 0;) {
    const uint8_t filter = chunk.filters[slot];
    // Precision that was cut off cannot be restored.
    if (filter == filter_id::kNone || filter == filter_id::kTruncatePrecision) continue;
    const std::optional<FilterStep> step =
        StepOf(filter, chunk.filters_meta[slot], chunk, file_element_bytes);
    if (!step) return std::nullopt;
    // Bytes that are shuffled by themselves stay where they are.
    if (step->kind == Kind::kUnshuffle && step->width == 1) continue;
    format.steps[format.steps_size++] = *step;
  }
  return format;
}

size_t SingleRuns(const BlockFormat& format, const BlockRuns& runs) {
  const size_t count = runs.count();
  if (format.steps_size == 0) return count;
  const RunParts parts = PartsOf(format.steps[format.steps_size - 1], runs);
  return parts.axis < 0 ? count : count / runs.axes[static_cast<size_t>(parts.axis)].count;
}

Status DecodeRuns(const BlockFormat& format, std::string_view chunk, int64_t block,
                  const BlockRuns* runs, size_t count) {
  size_t stop = 0;
  for (size_t i = 0; i < count; ++i) stop = std::max(stop, runs[i].stop());
  OpenBlock open(format, format.BlockBytes(block));
  Status status = open.Decode(chunk, block, stop);
  if (status.ok()) open.Undo(runs, count);
  return status;
}

Status DecodeWholeBlock(const BlockFormat& format, std::string_view chunk, int64_t block,
                        std::byte* to) {
  BlockRuns all;
  all.to = to;
  all.run_bytes = format.BlockBytes(block);
  if (format.steps_size > 0) return DecodeRuns(format, chunk, block, &all, 1);
  return DecodeStreams(format.streams, chunk, block, all.run_bytes, format.Streams(all.run_bytes),
                       {}, to, nullptr);
}

}  // namespace ndarray
