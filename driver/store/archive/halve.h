// Rasters of half the size: a pixel is made of the two by two pixels in its place, or of as many of
// them as there are where the array ends. Sides are rounded up.
//
// Elements are in native byte order. Boxes are in elements and in array axes, half-open.
#ifndef GDAL_NDARRAY_STORE_ARCHIVE_HALVE_H_
#define GDAL_NDARRAY_STORE_ARCHIVE_HALVE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "driver/store/array.h"
#include "driver/store/dtype/dtype.h"

namespace ndarray {

enum class Resampling {
  kNearest,   // the first of the four
  kAverage,   // the mean of those that are valid; integers are rounded, halves up
  kMode,      // the value that most of those have that are valid; of several the first
  kAnyValid,  // of masks: 0 where all are
};

// What is halved. Pixels are not valid where a mask says so, where they have their band's nodata
// value, and where they are NaN. Where none is valid the pixel has the nodata value, or is one of
// them. A mean that happens to be the nodata value becomes the number next to it.
struct Halving {
  ScalarType type = ScalarType::kUInt8;
  Resampling resampling = Resampling::kAverage;
  int x = 0;  // axes; -1: there is none
  int y = -1, band = -1;
  std::vector<std::string> nodata;  // an element for each band; none: empty. Complex: no effect
};

// The pixels that a box becomes. REQUIRES: it starts at an even line and pixel, and ends at one or
// where the array does
Box HalvedBox(const Halving& halving, const Box& fine);
AxisVector HalvedShape(const Halving& halving, const AxisVector& shape);

// Makes the pixels of `coarse`, which is within HalvedBox(fine). `from` and `mask` (bytes, 0: not
// valid; no data: all are) are at fine.start, `to` at coarse.start. Elements are aligned, those of
// a mask have strides of 0 along axes that it has not.
void Halve(const Halving& halving, const Box& fine, const ConstStridedView& from,
           const ConstStridedView& mask, const Box& coarse, const StridedView& to);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_ARCHIVE_HALVE_H_
