// Keeps what is said of a new array where ReadArrayFacts, the classic datasets and other programs
// find it: in the file's attributes, or in a sidecar where files have none.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_FACTS_STORE_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_FACTS_STORE_H_

#include "driver/raster/multidim/array_facts.h"
#include "driver/raster/multidim/element_type.h"
#include "driver/store/array.h"

namespace ndarray {

// Replaces all that is said of the array, which was made new and has said nothing before. What the
// next Flush() of the array commits, or, without attributes, a sidecar at once. Coordinates that
// are regular are the geotransform of x and y (their attributes are kept), others are listed, and
// left out, with a GDAL warning, where that takes more than kMaxCoordinatesBytes. Of attributes
// that find no room as such, the text is kept.
Status StoreArrayFacts(const ArrayFacts& facts, const ElementPlan& element, WritableArray& array);

constexpr size_t kMaxCoordinatesBytes = size_t{60}
                                        << 10;  // of a longer one nobody reads the values

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_FACTS_STORE_H_
