// The elements of a filtered block that a reader wants, and where they go.
#ifndef GDAL_NDARRAY_STORE_BLOSC2_FILTER_ROWS_H_
#define GDAL_NDARRAY_STORE_BLOSC2_FILTER_ROWS_H_

#include <cstddef>

namespace ndarray {

// Run r of `rows` is the elements
// [first + r * step, first + r * step + count), and goes to the bytes from to + r * to_step_bytes.
//
// REQUIRES: the last run ends within the block; count <= step where there is more than one run; the
// runs overlap neither each other in memory nor the planes.
struct FilterRows {
  size_t first = 0;
  size_t count = 0;
  size_t step = 0;
  size_t rows = 1;
  std::byte* to = nullptr;
  std::ptrdiff_t to_step_bytes = 0;
};

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_BLOSC2_FILTER_ROWS_H_
