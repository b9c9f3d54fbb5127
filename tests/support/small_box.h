// A part of an array that may be of any size: what a test reads of it.
#ifndef GDAL_NDARRAY_TESTS_SUPPORT_SMALL_BOX_H_
#define GDAL_NDARRAY_TESTS_SUPPORT_SMALL_BOX_H_

#include <algorithm>
#include <cstdint>

#include "driver/store/array.h"

namespace ndarray::testing {

constexpr int64_t kMaxSmallBoxElements = 4096;

// A box of at most so many elements that ends where the array ends, or begins where it begins.
inline Box SmallBox(const AxisVector& shape, bool at_end) {
  Box box{AxisVector(shape.size(), 0), shape};
  int64_t budget = kMaxSmallBoxElements;
  for (int axis = 0; axis < shape.size(); ++axis) {
    const int64_t count = std::min(shape[axis], std::max<int64_t>(budget, 1));
    budget /= count;
    if (at_end) {
      box.start[axis] = shape[axis] - count;
    } else {
      box.stop[axis] = count;
    }
  }
  return box;
}

}  // namespace ndarray::testing

#endif  // GDAL_NDARRAY_TESTS_SUPPORT_SMALL_BOX_H_
