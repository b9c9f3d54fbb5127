#include "driver/raster/multidim/element_window.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "driver/store/box.h"
#include "driver/store/checked_math.h"
#include "driver/store/strided_copy.h"

namespace ndarray {
namespace {

constexpr int64_t kTemporaryBytes = int64_t{8} << 20;

// A window whose steps are all >= 1.
struct Selection {
  AxisVector start, count, step;
  AxisVector strides_bytes;  // of the buffer, of any sign
  int64_t offset_bytes = 0;  // of its first element, from the caller's pointer
};

Status BadWindow(int axis, const std::string& found, const std::string& wanted) {
  return Mismatch(StatusCode::kInvalidArgument, "window along axis " + std::to_string(axis), found,
                  wanted);
}

// The last index of an axis, where that is within it.
std::optional<int64_t> LastIndex(GUInt64 start, size_t count, int64_t step, int64_t length) {
  if (start >= static_cast<GUInt64>(length) || count < 1) return std::nullopt;
  if (count - 1 > static_cast<size_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  const auto way = CheckedMultiply<int64_t>(step, static_cast<int64_t>(count - 1));
  const auto last = way ? CheckedAdd<int64_t>(static_cast<int64_t>(start), *way) : std::nullopt;
  return last && *last >= 0 && *last < length ? last : std::nullopt;
}

Result<Selection> Select(const AxisVector& shape, const ElementWindow& window, int64_t size,
                         bool writes) {
  Selection all;
  std::optional<int64_t> total = 0;  // the furthest that anything can be from the caller's pointer
  for (int axis = 0; axis < shape.size(); ++axis) {
    const GUInt64 start = window.start[axis];
    const size_t count = window.count[axis];
    const int64_t step = window.step[axis];
    const auto last = LastIndex(start, count, step, shape[axis]);
    if (!last) {
      return BadWindow(axis,
                       "start " + std::to_string(start) + ", count " + std::to_string(count) +
                           ", step " + std::to_string(step),
                       "elements of " + std::to_string(shape[axis]));
    }
    const auto n = static_cast<int64_t>(count);
    const auto stride = CheckedMultiply<int64_t>(window.stride[axis], size);
    const auto reach = stride ? CheckedMultiply<int64_t>(*stride, n - 1) : std::nullopt;
    if (reach && *reach != INT64_MIN) total = CheckedAdd<int64_t>(*total, std::abs(*reach));
    if (!total || !reach || *reach == INT64_MIN || *stride == INT64_MIN) {
      return BadWindow(axis, "buffer stride " + std::to_string(window.stride[axis]),
                       "one within memory");
    }
    // Those that meet, in the buffer or where they are written: the last one is left of them.
    const bool is_last_only = n == 1 || *stride == 0 || (writes && step == 0);
    if (is_last_only || step < 0) all.offset_bytes += *reach;
    all.start.push_back(is_last_only || step < 0 ? *last : static_cast<int64_t>(start));
    all.count.push_back(is_last_only ? 1 : n);
    all.step.push_back(is_last_only ? 1 : step < 0 ? -step : step);
    all.strides_bytes.push_back(is_last_only ? 0 : step < 0 ? -*stride : *stride);
  }
  return all;
}

bool IsDense(const Selection& part) {
  return std::all_of(part.step.begin(), part.step.end(), [](int64_t step) { return step == 1; });
}

// The box around a part of a selection.
Box Cover(const Selection& part) {
  Box box{part.start, part.start};
  for (int axis = 0; axis < part.start.size(); ++axis) {
    box.stop[axis] += (part.count[axis] - 1) * part.step[axis] + 1;
  }
  return box;
}

// How many of a selection one step takes along each axis, so that the box around them takes about
// kTemporaryBytes, in whole read chunks where they fit. Where steps leave chunks out, or elements
// are written, one at a time.
AxisVector PieceCounts(const Selection& all, const AxisVector& read_chunk, int64_t size,
                       bool writes) {
  AxisVector piece = all.count;
  AxisVector extent(piece.size());
  const auto set = [&](int axis, int64_t count) {
    piece[axis] = std::clamp<int64_t>(count, 1, all.count[axis]);
    extent[axis] = (piece[axis] - 1) * all.step[axis] + 1;
  };
  const auto is_large = [&] {
    const auto elements = CheckedProduct(extent);
    const auto bytes = elements ? CheckedMultiply(*elements, size) : std::nullopt;
    return !bytes || *bytes > kTemporaryBytes;
  };
  for (int axis = 0; axis < piece.size(); ++axis) {
    const int64_t step = all.step[axis];
    set(axis, step > 1 && (writes || step >= read_chunk[axis]) ? 1 : piece[axis]);
  }
  // To whole chunks, then less, from the slowest axis on.
  for (const bool whole_chunks : {true, false}) {
    for (int axis = 0; axis < piece.size(); ++axis) {
      const int64_t step = std::max<int64_t>(all.step[axis], 1);
      const int64_t min = whole_chunks ? std::max<int64_t>(read_chunk[axis] / step, 1) : 1;
      while (is_large() && piece[axis] > min) set(axis, std::max((piece[axis] + 1) / 2, min));
    }
  }
  return piece;
}

// From this place on: not past a border of read chunks, so that none is read twice.
int64_t CountFrom(const Selection& all, int axis, int64_t at, int64_t max, int64_t read_chunk) {
  const int64_t rest = all.count[axis] - at;
  const int64_t step = all.step[axis];
  if (rest <= max || step < 1) return std::min(rest, max);
  const int64_t first = all.start[axis] + at * step;
  const int64_t border = (first + max * step) / read_chunk * read_chunk;
  return border > first ? std::min(DivideUp(border - first, step), max) : max;
}

// Calls visit(part) for parts of the selection, until one fails.
template <typename Visit>
Status InPieces(const Selection& all, const AxisVector& piece, const AxisVector& read_chunk,
                const Visit& visit) {
  const int rank = piece.size();
  AxisVector at(rank, 0);
  Selection part = all;
  while (true) {
    part.offset_bytes = all.offset_bytes;
    for (int axis = 0; axis < rank; ++axis) {
      part.start[axis] = all.start[axis] + at[axis] * all.step[axis];
      part.count[axis] = CountFrom(all, axis, at[axis], piece[axis], read_chunk[axis]);
      // Of a single one it does not matter.
      part.step[axis] = part.count[axis] == 1 ? 1 : all.step[axis];
      part.offset_bytes += at[axis] * all.strides_bytes[axis];
    }
    Status status = visit(part);
    if (!status.ok()) return status;
    int axis = rank - 1;
    for (; axis >= 0; --axis) {
      at[axis] += part.count[axis];
      if (at[axis] < all.count[axis]) break;
      at[axis] = 0;
    }
    if (axis < 0) return {};
  }
}

// Calls row(position) for all rows of a box along its last axis, with their first elements.
template <typename Row>
void ForRows(const AxisVector& count, const Row& row) {
  const int last = count.size() - 1;
  if (last < 0) return;  // arrays have an axis, which some compilers cannot know
  Box rows{AxisVector(count.size(), 0), count};
  rows.stop[last] = 1;
  AxisVector at = rows.start;
  do {
    row(at);
  } while (Advance(rows, at));
}

class Mover {
 public:
  Mover(const Array& array, const ElementPlan& element, const GDALExtendedDataType& buffer_type)
      : array_(array), element_(element), buffer_type_(buffer_type) {}

  bool IsConverted() const { return element_.is_widened || !(buffer_type_ == element_.type); }

  // REQUIRES: a dense part, of the array's own type
  Status ReadStraight(const Selection& part, std::byte* buffer) const {
    const Box box = Cover(part);
    const StridedView to{buffer + part.offset_bytes, part.strides_bytes};
    if (element_.parts.size() == 1 && element_.parts[0].offset_bytes == 0) {
      return array_.Read(0, box, to);
    }
    return array_.Read(Targets(box, to));
  }

  // Every field is read once, even if it is one of many.
  Status ReadByWay(const Selection& part, std::byte* buffer) {
    const Box box = Cover(part);
    const AxisVector extent = Counts(box);
    const auto elements = static_cast<size_t>(ElementsIn(box));
    const size_t size = element_.type.GetSize();
    if (temporary_.size() < elements * size) temporary_.resize(elements * size);
    const StridedView to{temporary_.data(), CStrides(extent, static_cast<int64_t>(size))};
    Status status = element_.is_widened          ? ReadWidened(box, to, elements)
                    : element_.parts.size() == 1 ? array_.Read(0, box, to)
                                                 : array_.Read(Targets(box, to));
    if (!status.ok()) return status;
    const int last = extent.size() - 1;
    const int64_t source_step = part.step[last];
    ForRows(part.count, [&](const AxisVector& at) {
      const std::byte* from = temporary_.data();
      std::byte* to_row = buffer + part.offset_bytes;
      for (int axis = 0; axis < at.size(); ++axis) {
        from += at[axis] * part.step[axis] * to.strides_bytes[axis];
        to_row += at[axis] * part.strides_bytes[axis];
      }
      Convert(from, element_.type, source_step, to_row, buffer_type_,
              part.strides_bytes[last] / static_cast<int64_t>(buffer_type_.GetSize()),
              part.count[last]);
    });
    return {};
  }

  // REQUIRES: a dense part
  Status WriteByWay(WritableArray& array, const Selection& part, const std::byte* buffer) {
    const Box box = Cover(part);
    const auto elements = static_cast<size_t>(ElementsIn(box));
    const size_t size = element_.type.GetSize();
    if (temporary_.size() < elements * size) temporary_.resize(elements * size);
    const AxisVector strides = CStrides(part.count, static_cast<int64_t>(size));
    const int last = strides.size() - 1;
    ForRows(part.count, [&](const AxisVector& at) {
      std::byte* to = temporary_.data();
      const std::byte* from = buffer + part.offset_bytes;
      for (int axis = 0; axis < at.size(); ++axis) {
        to += at[axis] * strides[axis];
        from += at[axis] * part.strides_bytes[axis];
      }
      Convert(from, buffer_type_,
              part.strides_bytes[last] / static_cast<int64_t>(buffer_type_.GetSize()), to,
              element_.type, 1, part.count[last]);
    });
    return WriteFields(array, box, {temporary_.data(), strides}, elements);
  }

  // REQUIRES: a dense part, of the array's own type
  Status WriteStraight(WritableArray& array, const Selection& part, const std::byte* buffer) {
    return WriteFields(array, Cover(part), {buffer + part.offset_bytes, part.strides_bytes}, 0);
  }

 private:
  std::vector<ReadTarget> Targets(const Box& box, const StridedView& to) const {
    std::vector<ReadTarget> targets;
    for (size_t field = 0; field < element_.parts.size(); ++field) {
      targets.push_back({field,
                         box,
                         {static_cast<std::byte*>(to.data) + element_.parts[field].offset_bytes,
                          to.strides_bytes}});
    }
    return targets;
  }

  static void Convert(const std::byte* from, const GDALExtendedDataType& from_type,
                      int64_t from_stride, std::byte* to, const GDALExtendedDataType& to_type,
                      int64_t to_stride, int64_t count) {
    GDALExtendedDataType::CopyValues(from, from_type, static_cast<GPtrDiff_t>(from_stride), to,
                                     to_type, static_cast<GPtrDiff_t>(to_stride),
                                     static_cast<size_t>(count));
  }

  // Numbers of types that GDAL has not are read narrow to the side, and widened where they belong.
  Status ReadWidened(const Box& box, const StridedView& to, size_t elements) {
    for (size_t field = 0; field < element_.parts.size(); ++field) {
      const ElementPart& part = element_.parts[field];
      std::byte* const data = static_cast<std::byte*>(to.data) + part.offset_bytes;
      if (!part.is_widened) {
        Status status = array_.Read(field, box, {data, to.strides_bytes});
        if (!status.ok()) return status;
        continue;
      }
      const size_t narrow = SizeBytes(part.stored);
      narrow_.resize(elements * narrow);
      Status status = array_.Read(
          field, box, {narrow_.data(), CStrides(Counts(box), static_cast<int64_t>(narrow))});
      if (!status.ok()) return status;
      const size_t size = element_.type.GetSize();
      for (size_t i = 0; i < elements; ++i) {
        Widen(part.stored, narrow_.data() + i * narrow, data + i * size);
      }
    }
    return {};
  }

  // `elements`: of a dense `from`, in which numbers may be wide.
  Status WriteFields(WritableArray& array, const Box& box, const ConstStridedView& from,
                     size_t elements) {
    const size_t size = element_.type.GetSize();
    for (size_t field = 0; field < element_.parts.size(); ++field) {
      const ElementPart& part = element_.parts[field];
      const auto* data = static_cast<const std::byte*>(from.data) + part.offset_bytes;
      AxisVector strides = from.strides_bytes;
      if (part.is_widened) {
        const size_t narrow = SizeBytes(part.stored);
        narrow_.resize(elements * narrow);
        for (size_t i = 0; i < elements; ++i) {
          Narrow(part.stored, data + i * size, narrow_.data() + i * narrow);
        }
        data = narrow_.data();
        strides = CStrides(Counts(box), static_cast<int64_t>(narrow));
      }
      Status status = array.Write(field, box, {data, strides});
      if (!status.ok()) return status;
    }
    return {};
  }

  const Array& array_;
  const ElementPlan& element_;
  const GDALExtendedDataType& buffer_type_;
  std::vector<std::byte> temporary_, narrow_;
};

// Whether elements of an array go to the buffer as they are, one number each.
bool IsSameNumber(const ElementPlan& element, const GDALExtendedDataType& buffer_type) {
  return element.parts.size() == 1 && !element.is_widened &&
         element.type.GetClass() == GEDTC_NUMERIC && buffer_type.GetClass() == GEDTC_NUMERIC &&
         element.type.GetNumericDataType() == buffer_type.GetNumericDataType();
}

// The window as what the store reads, where its steps are 1; false for all others, and for what
// needs a closer look.
bool IsPlain(const AxisVector& shape, const ElementWindow& window, int64_t size, void* buffer,
             ReadTarget& target) {
  constexpr GPtrDiff_t kMaxStride = GPtrDiff_t{1} << 40;
  target.to.data = buffer;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const auto length = static_cast<GUInt64>(shape[axis]);
    const GUInt64 start = window.start[axis];
    const size_t count = window.count[axis];
    const GPtrDiff_t stride = window.stride[axis];
    if (window.step[axis] != 1 || start >= length || count < 1 || count > length - start ||
        stride < 1 || stride > kMaxStride / size) {
      return false;
    }
    target.box.start.push_back(static_cast<int64_t>(start));
    target.box.stop.push_back(static_cast<int64_t>(start + count));
    target.to.strides_bytes.push_back(stride * size);
  }
  return true;
}

}  // namespace

Status ReadElements(const Array& array, const ElementPlan& element, const ElementWindow& window,
                    const GDALExtendedDataType& buffer_type, void* buffer) {
  const auto size = static_cast<int64_t>(buffer_type.GetSize());
  if (IsSameNumber(element, buffer_type)) {
    // Most windows, of which small ones should cost no more than they must.
    ReadTarget target;
    if (IsPlain(array.info().shape, window, size, buffer, target)) return array.Read(target);
  }
  const Result<Selection> all = Select(array.info().shape, window, size, false);
  if (!all.ok()) return all.status();
  Mover mover(array, element, buffer_type);
  auto* const bytes = static_cast<std::byte*>(buffer);
  if (!mover.IsConverted() && IsDense(*all)) return mover.ReadStraight(*all, bytes);
  const AxisVector& chunk = array.info().read_chunk;
  const AxisVector piece =
      PieceCounts(*all, chunk, static_cast<int64_t>(element.type.GetSize()), false);
  return InPieces(*all, piece, chunk, [&](const Selection& part) {
    return !mover.IsConverted() && IsDense(part) ? mover.ReadStraight(part, bytes)
                                                 : mover.ReadByWay(part, bytes);
  });
}

Status WriteElements(WritableArray& array, const ElementPlan& element, const ElementWindow& window,
                     const GDALExtendedDataType& buffer_type, const void* buffer) {
  const auto size = static_cast<int64_t>(buffer_type.GetSize());
  const Result<Selection> all = Select(array.info().shape, window, size, true);
  if (!all.ok()) return all.status();
  Mover mover(array, element, buffer_type);
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  if (!mover.IsConverted() && IsDense(*all)) return mover.WriteStraight(array, *all, bytes);
  const AxisVector& chunk = array.info().read_chunk;
  const AxisVector piece =
      PieceCounts(*all, chunk, static_cast<int64_t>(element.type.GetSize()), true);
  return InPieces(*all, piece, chunk, [&](const Selection& part) {
    return mover.IsConverted() ? mover.WriteByWay(array, part, bytes)
                               : mover.WriteStraight(array, part, bytes);
  });
}

}  // namespace ndarray
