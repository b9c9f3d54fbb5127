#include "driver/store/npy/npy_array.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/damage.h"
#include "driver/store/io/cold_reads.h"
#include "driver/store/npy/byte_spans.h"
#include "driver/store/npy/cold_pieces.h"
#include "driver/store/npy/npy_header.h"
#include "driver/store/strided_copy.h"
#include "driver/store/thread_pool.h"

namespace ndarray {
namespace {

constexpr int64_t kReadChunkBytes = 256 << 10;
// Reading piece by piece: pieces this near to each other are cheaper to read with what is between.
// Ranges of local files cost a call of the system each, as much as copying some
// kilobytes; what is read stays in a processor's cache until it is copied.
constexpr SpanLimits kLocalLimits = {uint64_t{256} << 10, uint64_t{4} << 10};
constexpr int64_t kLocalBytesPerThread = int64_t{256} << 10;
// Larger windows are not cut into pieces, of which there would be too many.
constexpr uint64_t kMaxColdBytes = uint64_t{16} << 30;
constexpr uint64_t kMaxReadBytes = uint64_t{4} << 20;  // of pieces with what lies between them
// Pieces too small to be written one by one (single elements, of one band among others) are stored
// in memory that shares the file with others, who may be writing what lies between.
constexpr SpanLimits kWriteLimits = {uint64_t{4} << 20, uint64_t{4} << 10, 32};
// Where that cannot be, one by one all the same: writing back what lies between could undo what
// another process writes there.
constexpr SpanLimits kApartLimits = {uint64_t{4} << 20, 0, 0};
constexpr uint64_t kBatchBytes = uint64_t{16} << 20;
constexpr size_t kBatchSpans = 1024;  // each takes a kilobyte while it waits, however small it is

AxisVector Strides(const NpyHeader& header) {
  AxisVector strides(header.shape.size());
  int64_t stride = header.element_bytes;
  for (int i = 0; i < header.shape.size(); ++i) {
    const int axis = header.fortran_order ? i : header.shape.size() - 1 - i;
    strides[axis] = stride;
    stride *= header.shape[axis];
  }
  return strides;
}

ArrayInfo DescribeNpy(const NpyHeader& header, const ByteFile& file) {
  ArrayInfo info;
  info.shape = header.shape;
  info.fields = header.fields;
  info.is_record = header.is_record;
  info.fortran_order = header.fortran_order;
  info.read_chunk = NpyGranule(header.shape, header.element_bytes, header.fortran_order);
  const FileTraits& traits = file.traits();
  info.raw = RawLayout{traits.start_bytes + header.data_offset_bytes, Strides(header), traits.id,
                       traits.is_unpacked          ? ""
                       : traits.whole_path.empty() ? file.path()
                                                   : traits.whole_path};
  info.format = "NPY";
  info.format_version = std::to_string(header.major_version) + ".0";
  info.dtype_text = header.dtype_text;
  return info;
}

class NpyArray final : public WritableArray {
 public:
  // `output` is the file where it is open for update, else nullptr.
  NpyArray(const std::shared_ptr<const ByteFile>& file, WritableFile* output,
           const NpyHeader& header, int max_threads, std::function<void()> before_first_write = {})
      : WritableArray(file->path(), DescribeNpy(header, *file)),
        file_(file),
        output_(output),
        max_threads_(max_threads),
        element_bytes_(header.element_bytes),
        layout_{header.data_offset_bytes, info().raw->strides_bytes, {}, {}},
        before_first_write_(std::move(before_first_write)) {}

  WritableArray* writable() override { return output_ != nullptr ? this : nullptr; }

  Status Read(const ReadTargets& targets) const override {
    for (const ReadTarget& target : targets) {
      Status status = ReadField(info().fields[target.field], target.box, target.to);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status Write(size_t field_index, const Box& box, const ConstStridedView& from) override {
    if (before_first_write_) std::exchange(before_first_write_, nullptr)();
    return WriteSpans(info().fields[field_index], box, from, kWriteLimits);
  }

  Status Flush() override { return output_->Flush(); }

  void Prefetch(const Box& box) const override {
    constexpr size_t kMaxPieces = 4;
    const std::vector<Box> pieces = ColdPieces(layout_, element_bytes_, box, kMaxPieces);
    std::vector<FileRange> ranges;
    for (const Box& piece : pieces) AddRanges(layout_, element_bytes_, piece, ranges);
    AskFor(*file_, std::move(ranges), max_threads_);
  }

 private:
  Status ReadField(const Field& field, const Box& box, const StridedView& to) const {
    const FileRange extent = ExtentOf(field, box);
    if (IsCold(field, box, extent)) return ReadCold(field, box, to);
    return ReadInMemory(field, box, extent, to);
  }

  // From the first to the end of the last element.
  FileRange ExtentOf(const Field& field, const Box& box) const {
    const uint64_t start = layout_.offset_bytes + static_cast<uint64_t>(field.offset_bytes);
    FileRange extent = {start, start + field.dtype.size_bytes()};
    for (int axis = 0; axis < box.start.size(); ++axis) {
      const auto stride = static_cast<uint64_t>(layout_.strides_bytes[axis]);
      extent.start += static_cast<uint64_t>(box.start[axis]) * stride;
      extent.stop += static_cast<uint64_t>(box.stop[axis] - 1) * stride;
    }
    return extent;
  }

  bool IsCold(const Field& field, const Box& box, const FileRange& extent) const {
    const uint64_t bytes = static_cast<uint64_t>(ElementsIn(box)) * field.dtype.size_bytes();
    if (!cold_reads_.IsDue(bytes)) return false;
    // The system itself reads ahead of what is read in one piece.
    if (extent.stop - extent.start == bytes) return false;
    return cold_reads_.IsCold(*file_, box, extent, bytes) &&
           DiskBytes(FieldLayout(field), static_cast<int64_t>(field.dtype.size_bytes()), box) <=
               kMaxColdBytes;
  }

  Status ReadCold(const Field& field, const Box& box, const StridedView& to) const {
    const RawLayout layout = FieldLayout(field);
    const auto size_bytes = static_cast<int64_t>(field.dtype.size_bytes());
    const std::vector<Box> pieces = ColdPieces(layout, size_bytes, box);
    const auto count = static_cast<int64_t>(pieces.size());
    const auto add = [&](int64_t item, std::vector<FileRange>& ranges) {
      AddRanges(layout, size_bytes, pieces[static_cast<size_t>(item)], ranges);
    };
    return RunAhead(*file_, count, max_threads_, add, [&](int64_t first, int64_t stop) {
      Status status;
      for (int64_t i = first; i < stop && status.ok(); ++i) {
        const Box& piece = pieces[static_cast<size_t>(i)];
        status = ReadInMemory(field, piece, ExtentOf(field, piece), Shifted(to, box, piece));
      }
      return status;
    });
  }

  Status ReadInMemory(const Field& field, const Box& box, const FileRange& extent,
                      const StridedView& to) const {
    if (!file_->is_mapped()) {
      return file_->traits().is_local ? ReadLocal(field, box, to) : ReadInBatches(field, box, to);
    }
    Result<const std::byte*> from = file_->View(extent.start, extent.stop - extent.start);
    if (!from.ok()) return from.status();
    StridedCopy(field.dtype, Counts(box), {*from, layout_.strides_bytes}, to, max_threads_);
    return {};
  }

  RawLayout FieldLayout(const Field& field) const {
    RawLayout layout = layout_;
    layout.offset_bytes += static_cast<uint64_t>(field.offset_bytes);
    return layout;
  }

  // Whether memory of these strides holds the span's bytes as the file does.
  bool IsVerbatim(const Field& field, const Span& span, const AxisVector& strides_bytes) const {
    if (!span.dense || field.dtype.swapped()) return false;
    for (int axis = 0; axis < span.box.start.size(); ++axis) {
      if (span.box.count(axis) > 1 && strides_bytes[axis] != layout_.strides_bytes[axis]) {
        return false;
      }
    }
    return true;
  }

  // The axis to share a box between threads by: the slowest that is long enough for all, else the
  // longest.
  int AxisToShare(const Box& box, int64_t shares) const {
    int longest = 0;
    for (int i = 0; i < box.start.size(); ++i) {
      const int axis = info().fortran_order ? box.start.size() - 1 - i : i;
      if (box.count(axis) >= shares) return axis;
      if (box.count(axis) > box.count(longest)) longest = axis;
    }
    return longest;
  }

  // Without a map, by several threads.
  Status ReadLocal(const Field& field, const Box& box, const StridedView& to) const {
    const int64_t threads = std::clamp<int64_t>(
        ElementsIn(box) * static_cast<int64_t>(field.dtype.size_bytes()) / kLocalBytesPerThread, 1,
        max_threads_);
    const int64_t shares = threads == 1 ? 1 : 4 * threads;
    const int axis = AxisToShare(box, shares);
    const int64_t step = (box.count(axis) + shares - 1) / shares;
    return TryParallelFor((box.count(axis) + step - 1) / step, static_cast<int>(threads),
                          [&](int64_t share) {
                            Box part = box;
                            part.start[axis] += share * step;
                            part.stop[axis] = std::min(part.start[axis] + step, box.stop[axis]);
                            return ReadSpans(field, part, Shifted(to, box, part));
                          });
  }

  // Each span by itself.
  Status ReadSpans(const Field& field, const Box& box, const StridedView& to) const {
    std::vector<ByteRange> range(1);
    std::vector<std::byte> scratch;
    return ForEachSpan(
        FieldLayout(field), static_cast<int64_t>(field.dtype.size_bytes()), box, kLocalLimits,
        [&](const Span& span) {
          const StridedView part = Shifted(to, box, span.box);
          const bool verbatim = IsVerbatim(field, span, to.strides_bytes);
          range[0] = {span.offset_bytes, static_cast<size_t>(span.size_bytes), part.data};
          if (!verbatim) {
            scratch.resize(range[0].size_bytes);
            range[0].to = scratch.data();
          }
          Status status = file_->Read(range);
          if (status.ok() && !verbatim) {
            StridedCopy(field.dtype, Counts(span.box), {scratch.data(), layout_.strides_bytes},
                        part, 1);
          }
          return status;
        });
  }

  // Reads spans in batches, so that a remote file is asked for many ranges at a time.
  Status ReadInBatches(const Field& field, const Box& box, const StridedView& to) const {
    struct ScratchSpan {
      Span span;
      size_t scratch_offset;
    };
    std::vector<ByteRange> ranges;
    std::vector<ScratchSpan> by_scratch;
    std::vector<std::byte> scratch;
    size_t scratch_bytes = 0;
    uint64_t batch_bytes = 0;

    const auto read_batch = [&]() -> Status {
      scratch.resize(scratch_bytes);
      for (const auto& [span, scratch_offset] : by_scratch) {
        ranges.push_back({span.offset_bytes, static_cast<size_t>(span.size_bytes),
                          scratch.data() + scratch_offset});
      }
      Status status = file_->Read(ranges);
      if (!status.ok()) return status;
      for (const auto& [span, scratch_offset] : by_scratch) {
        StridedCopy(field.dtype, Counts(span.box),
                    {scratch.data() + scratch_offset, layout_.strides_bytes},
                    Shifted(to, box, span.box), max_threads_);
      }
      ranges.clear();
      by_scratch.clear();
      scratch_bytes = 0;
      batch_bytes = 0;
      return {};
    };

    const SpanLimits limits = {kMaxReadBytes, file_->traits().cheap_gap_bytes};
    Status status =
        ForEachSpan(FieldLayout(field), static_cast<int64_t>(field.dtype.size_bytes()), box, limits,
                    [&](const Span& span) -> Status {
                      if (IsVerbatim(field, span, to.strides_bytes)) {
                        ranges.push_back({span.offset_bytes, static_cast<size_t>(span.size_bytes),
                                          Shifted(to, box, span.box).data});
                      } else {
                        by_scratch.push_back({span, scratch_bytes});
                        scratch_bytes += static_cast<size_t>(span.size_bytes);
                      }
                      batch_bytes += span.size_bytes;
                      const bool full = batch_bytes >= kBatchBytes ||
                                        ranges.size() + by_scratch.size() >= kBatchSpans;
                      return full ? read_batch() : Status();
                    });
    return status.ok() ? read_batch() : status;
  }

  Status WriteSpans(const Field& field, const Box& box, const ConstStridedView& from,
                    const SpanLimits& limits) {
    std::vector<std::byte> scratch;
    return ForEachSpan(FieldLayout(field), static_cast<int64_t>(field.dtype.size_bytes()), box,
                       limits, [&](const Span& span) {
                         const ConstStridedView part = Shifted(from, box, span.box);
                         return span.dense ? WriteDense(field, span, part, scratch)
                                           : WriteSparse(field, span, part, scratch);
                       });
  }

  Status WriteDense(const Field& field, const Span& span, const ConstStridedView& from,
                    std::vector<std::byte>& scratch) {
    const auto size_bytes = static_cast<size_t>(span.size_bytes);
    if (field.dtype.type != ScalarType::kBool && IsVerbatim(field, span, from.strides_bytes)) {
      return output_->WriteAt(span.offset_bytes, from.data, size_bytes);
    }
    scratch.resize(size_bytes);
    Put(field, span.box, from, {scratch.data(), layout_.strides_bytes});
    return output_->WriteAt(span.offset_bytes, scratch.data(), size_bytes);
  }

  Status WriteSparse(const Field& field, const Span& span, const ConstStridedView& from,
                     std::vector<std::byte>& scratch) {
    const auto size_bytes = static_cast<size_t>(span.size_bytes);
    Status status = output_->StoreInPlace(span.offset_bytes, size_bytes, [&](std::byte* to) {
      Put(field, span.box, from, {to, layout_.strides_bytes});
    });
    if (status.code() != StatusCode::kNotSupported) return status;
    // Nobody else is known to write virtual files, and each piece may be a request.
    if (file_->traits().is_local) return WriteSpans(field, span.box, from, kApartLimits);
    scratch.resize(size_bytes);
    status = file_->Read({{span.offset_bytes, size_bytes, scratch.data()}});
    if (!status.ok()) return status;
    Put(field, span.box, from, {scratch.data(), layout_.strides_bytes});
    return output_->WriteAt(span.offset_bytes, scratch.data(), size_bytes);
  }

  // NumPy takes every bool to be 0 or 1; what is written here comes from any 8-bit image.
  void Put(const Field& field, const Box& box, const ConstStridedView& from,
           const StridedView& to) const {
    StridedCopy(field.dtype, Counts(box), from, to, max_threads_);
    if (field.dtype.type == ScalarType::kBool) MakeBools(to, Counts(box));
  }

  const std::shared_ptr<const ByteFile> file_;
  WritableFile* const output_;
  const int max_threads_;
  const int64_t element_bytes_;
  const RawLayout layout_;  // within file_
  std::function<void()> before_first_write_;
  mutable ColdReads cold_reads_;
};

// Checks that all elements lie in the file.
Result<NpyHeader> ReadWholeHeader(const ByteFile& file) {
  Result<NpyHeader> header = ReadNpyHeader(file);
  if (!header.ok()) return header;
  const uint64_t data_bytes = NpyDataBytes(*header);
  const uint64_t available = file.size_bytes() - header->data_offset_bytes;
  if (data_bytes <= available) return header;
  const Status cut = CutShort(file.size_bytes(), header->data_offset_bytes + data_bytes);
  return Status(cut.code(), cut.message() + " (shape " + ShapeString(header->shape) + ")")
      .At(file.path());
}

}  // namespace

AxisVector NpyGranule(const AxisVector& shape, int64_t element_bytes, bool fortran_order) {
  AxisVector read_chunk(shape.size(), 1);
  int64_t budget = std::max<int64_t>(kReadChunkBytes / element_bytes, 1);
  for (int i = 0; i < shape.size(); ++i) {
    const int axis = fortran_order ? i : shape.size() - 1 - i;
    read_chunk[axis] = std::min(shape[axis], budget);
    budget /= read_chunk[axis];
  }
  return read_chunk;
}

Result<NpyHeader> ReadNpyHeader(const ByteFile& file) {
  std::string bytes(std::min<uint64_t>(file.size_bytes(), kNpyPreambleBytes), '\0');
  Status status = file.Read({{0, bytes.size(), bytes.data()}});
  if (!status.ok()) return status;
  Result<uint64_t> data_offset = NpyDataOffset(bytes);
  if (!data_offset.ok()) return Damaged(data_offset.status(), kCopyAgain).At(file.path());
  if (*data_offset > file.size_bytes()) {
    return CutShort(file.size_bytes(), *data_offset, "at least ").At(file.path());
  }
  bytes.resize(*data_offset);
  status = file.Read({{0, bytes.size(), bytes.data()}});
  if (!status.ok()) return status;
  Result<NpyHeader> header = ParseNpyHeader(bytes);
  if (!header.ok()) return Damaged(header.status(), kCopyAgain).At(file.path());
  return header;
}

Result<std::shared_ptr<Array>> OpenNpyArray(const std::shared_ptr<ByteFile>& file,
                                            int max_threads) {
  Result<NpyHeader> header = ReadWholeHeader(*file);
  if (!header.ok()) return header.status();
  return std::shared_ptr<Array>(std::make_shared<NpyArray>(file, nullptr, *header, max_threads));
}

Result<std::shared_ptr<WritableArray>> OpenNpyForUpdate(const std::shared_ptr<WritableFile>& file,
                                                        int max_threads,
                                                        std::function<void()> before_first_write) {
  Result<NpyHeader> header = ReadWholeHeader(*file);
  if (!header.ok()) return header.status();
  return std::shared_ptr<WritableArray>(std::make_shared<NpyArray>(
      file, file.get(), *header, max_threads, std::move(before_first_write)));
}

}  // namespace ndarray
