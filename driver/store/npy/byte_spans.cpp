#include "driver/store/npy/byte_spans.h"

#include <algorithm>

namespace ndarray {
namespace {

class Splitter {
 public:
  Splitter(const RawLayout& layout, int64_t element_bytes, const SpanLimits& limits,
           const std::function<Status(const Span&)>& visit)
      : layout_(layout), element_bytes_(element_bytes), limits_(limits), visit_(visit) {
    for (int axis = 0; axis < layout.strides_bytes.size(); ++axis) by_stride_.push_back(axis);
    std::stable_sort(by_stride_.begin(), by_stride_.end(), [&](int64_t a, int64_t b) {
      return layout.strides_bytes[static_cast<int>(a)] > layout.strides_bytes[static_cast<int>(b)];
    });
  }

  Status Split(const Box& box) const {
    const int axis = OutermostAxis(box);
    if (axis < 0) return visit_(MakeSpan(box));
    const uint64_t stride = Stride(axis);
    Box inner = box;
    inner.stop[axis] = inner.start[axis] + 1;
    const uint64_t inner_bytes = Extent(inner);
    const bool joins = Joins(box);
    int64_t step = 1;
    if (joins && inner_bytes < limits_.max_size_bytes) {
      const auto others = static_cast<uint64_t>(box.count(axis) - 1);
      step +=
          static_cast<int64_t>(std::min(others, (limits_.max_size_bytes - inner_bytes) / stride));
    }
    Box piece = box;
    for (int64_t start = box.start[axis]; start < box.stop[axis]; start += step) {
      piece.start[axis] = start;
      piece.stop[axis] = std::min(start + step, box.stop[axis]);
      const bool whole = joins && Extent(piece) <= limits_.max_size_bytes;
      Status status = whole ? visit_(MakeSpan(piece)) : Split(piece);
      if (!status.ok()) return status;
    }
    return {};
  }

 private:
  uint64_t Stride(int axis) const { return static_cast<uint64_t>(layout_.strides_bytes[axis]); }

  // The slowest axis with more than one element, or -1.
  int OutermostAxis(const Box& box) const {
    for (const int64_t axis : by_stride_) {
      if (box.count(static_cast<int>(axis)) > 1) return static_cast<int>(axis);
    }
    return -1;
  }

  // Bytes from the first element to the end of the last.
  uint64_t Extent(const Box& box) const {
    auto bytes = static_cast<uint64_t>(element_bytes_);
    for (int axis = 0; axis < box.start.size(); ++axis) {
      bytes += static_cast<uint64_t>(box.count(axis) - 1) * Stride(axis);
    }
    return bytes;
  }

  // Whether the limits allow the gaps of the box, whatever its size.
  bool Joins(const Box& box) const {
    const int axis = OutermostAxis(box);
    if (axis < 0) return true;
    Box inner = box;
    inner.stop[axis] = inner.start[axis] + 1;
    const uint64_t piece = Extent(inner);
    const uint64_t gap = Stride(axis) - piece;
    const bool allowed =
        gap == 0 || (gap <= limits_.max_gap_bytes && piece <= limits_.max_piece_bytes);
    return allowed && Joins(inner);
  }

  Span MakeSpan(const Box& box) const {
    Span span{box, layout_.offset_bytes, Extent(box), false};
    auto element_bytes = static_cast<uint64_t>(element_bytes_);
    for (int axis = 0; axis < box.start.size(); ++axis) {
      span.offset_bytes += static_cast<uint64_t>(box.start[axis]) * Stride(axis);
      element_bytes *= static_cast<uint64_t>(box.count(axis));
    }
    span.dense = element_bytes == span.size_bytes;
    return span;
  }

  const RawLayout& layout_;
  const int64_t element_bytes_;
  const SpanLimits& limits_;
  const std::function<Status(const Span&)>& visit_;
  AxisVector by_stride_;  // axes, the largest stride first
};

}  // namespace

Status ForEachSpan(const RawLayout& layout, int64_t element_bytes, const Box& box,
                   const SpanLimits& limits, const std::function<Status(const Span&)>& visit) {
  return Splitter(layout, element_bytes, limits, visit).Split(box);
}

}  // namespace ndarray
