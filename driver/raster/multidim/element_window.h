// Moves regular selections of elements between an array and memory, as GDAL's multidimensional API
// describes them: start, count and step along each axis, and strides of memory.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_WINDOW_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_WINDOW_H_

#include <cstddef>
#include <cstdint>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/element_type.h"
#include "driver/store/array.h"

namespace ndarray {

// start[i] + step[i] * k, for k in [0, count[i]), goes to or comes from the element of the buffer
// at the sum of stride[i] * k. Steps and strides are of any sign, and in elements; of those that
// meet in one place of the buffer, or of the array, the last one counts. One entry for each axis.
struct ElementWindow {
  const GUInt64* start;
  const size_t* count;
  const GInt64* step;
  const GPtrDiff_t* stride;
};

// Elements of the array's own type, along axes whose steps are 1 or -1 (or count is 1), go straight
// to the buffer; all else goes through a bounded temporary, by GDAL's conversion.
// kInvalidArgument, without a path, where the window is not within the array or numbers overflow.
Status ReadElements(const Array& array, const ElementPlan& element, const ElementWindow& window,
                    const GDALExtendedDataType& buffer_type, void* buffer);

// The reverse. Nothing is read: elements between those of the window stay as they are, whoever
// writes them meanwhile.
Status WriteElements(WritableArray& array, const ElementPlan& element, const ElementWindow& window,
                     const GDALExtendedDataType& buffer_type, const void* buffer);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_ELEMENT_WINDOW_H_
