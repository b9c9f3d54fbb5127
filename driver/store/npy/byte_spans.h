// Cuts a box of a raw layout into spans of consecutive file bytes, for files that are read and
// written piece by piece instead of mapped.
#ifndef GDAL_NDARRAY_STORE_NPY_BYTE_SPANS_H_
#define GDAL_NDARRAY_STORE_NPY_BYTE_SPANS_H_

#include <cstdint>
#include <functional>

#include "driver/store/array.h"
#include "driver/store/status.h"

namespace ndarray {

struct Span {
  Box box;                // the elements of this span
  uint64_t offset_bytes;  // of its first element
  uint64_t size_bytes;    // from its first element to the end of its last one
  bool dense;             // nothing but elements of the box lies in between
};

struct SpanLimits {
  uint64_t max_size_bytes;                // of a span; a single element may exceed it
  uint64_t max_gap_bytes;                 // between two pieces that go into one span
  uint64_t max_piece_bytes = UINT64_MAX;  // of pieces with a gap between them
};

// Calls visit for spans that together hold each element of the box once, in rising file order
// where the layout allows it, until one call fails. element_bytes is the size of the field.
Status ForEachSpan(const RawLayout& layout, int64_t element_bytes, const Box& box,
                   const SpanLimits& limits, const std::function<Status(const Span&)>& visit);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_NPY_BYTE_SPANS_H_
