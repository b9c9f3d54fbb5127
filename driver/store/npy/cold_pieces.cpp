#include "driver/store/npy/cold_pieces.h"

#include <algorithm>

#include "driver/store/npy/byte_spans.h"

namespace ndarray {
namespace {

// Axes of a layout, the smallest stride first.
AxisVector FastestFirst(const RawLayout& layout) {
  AxisVector axes;
  for (int axis = 0; axis < layout.strides_bytes.size(); ++axis) axes.push_back(axis);
  std::stable_sort(axes.begin(), axes.end(), [&](int64_t a, int64_t b) {
    return layout.strides_bytes[static_cast<int>(a)] < layout.strides_bytes[static_cast<int>(b)];
  });
  return axes;
}

void Cut(const RawLayout& layout, int64_t element_bytes, const AxisVector& axes, Box box,
         size_t max_pieces, std::vector<Box>& pieces) {
  if (pieces.size() >= max_pieces) return;
  if (DiskBytes(layout, element_bytes, box) > kMaxAheadBytes) {
    for (int i = axes.size() - 1; i >= 0; --i) {
      const int axis = static_cast<int>(axes[i]);
      if (box.count(axis) < 2) continue;
      const int64_t middle = box.start[axis] + (box.count(axis) + 1) / 2;
      Box first = box;
      first.stop[axis] = middle;
      box.start[axis] = middle;
      Cut(layout, element_bytes, axes, first, max_pieces, pieces);
      Cut(layout, element_bytes, axes, box, max_pieces, pieces);
      return;
    }
  }
  pieces.push_back(box);
}

}  // namespace

uint64_t DiskBytes(const RawLayout& layout, int64_t element_bytes, const Box& box) {
  auto run = static_cast<uint64_t>(element_bytes);
  uint64_t runs = 1;
  for (const int64_t number : FastestFirst(layout)) {
    const int axis = static_cast<int>(number);
    const auto others = static_cast<uint64_t>(box.count(axis) - 1);
    if (others == 0) continue;
    const auto stride = static_cast<uint64_t>(layout.strides_bytes[axis]);
    if (runs == 1 && stride <= run + kMaxColdGapBytes) {
      run += others * stride;
    } else {
      runs *= others + 1;
    }
  }
  return runs * std::max(run, kColdPageBytes);
}

std::vector<Box> ColdPieces(const RawLayout& layout, int64_t element_bytes, const Box& box,
                            size_t max_pieces) {
  std::vector<Box> pieces;
  Cut(layout, element_bytes, FastestFirst(layout), box, max_pieces, pieces);
  return pieces;
}

void AddRanges(const RawLayout& layout, int64_t element_bytes, const Box& piece,
               std::vector<FileRange>& ranges) {
  constexpr SpanLimits limits = {UINT64_MAX, kMaxColdGapBytes};
  Status added = ForEachSpan(layout, element_bytes, piece, limits, [&](const Span& span) {
    ranges.push_back({span.offset_bytes, span.offset_bytes + span.size_bytes});
    return Status();
  });
  static_cast<void>(added);  // no visit fails
}

}  // namespace ndarray
