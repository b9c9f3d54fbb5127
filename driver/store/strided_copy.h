// Copies an n-dimensional box of elements between two memory layouts, at memory speed.
#ifndef GDAL_NDARRAY_STORE_STRIDED_COPY_H_
#define GDAL_NDARRAY_STORE_STRIDED_COPY_H_

#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"

namespace ndarray {

// Copies shape-many elements of dtype.type from `from` to `to`. Strides are in bytes, of any sign,
// one for each axis of shape; elements need no alignment. Where all of `from`'s are 0, its one
// element fills `to`. Where dtype.swapped(), the bytes of each number are reversed on the way.
// Large boxes are copied by up to max_threads threads, so that freshly allocated destination pages
// are first touched in parallel.
//
// REQUIRES: every shape entry >= 1; the elements of `to` do not overlap each other or `from`.
void StridedCopy(const DType& dtype, const AxisVector& shape, const ConstStridedView& from,
                 const StridedView& to, int max_threads);

// Makes every byte of a box that is not 0 a 1: NumPy takes bools to be one or the other.
void MakeBools(const StridedView& view, const AxisVector& shape);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_STRIDED_COPY_H_
