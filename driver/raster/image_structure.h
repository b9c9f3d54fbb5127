// What GDAL's metadata domain IMAGE_STRUCTURE says about an array in a file.
#ifndef GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_
#define GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_

#include <cpl_string.h>

#include "driver/store/array.h"

namespace ndarray {

// LAYOUT, DTYPE, SHAPE, and what else this format has.
CPLStringList ImageStructure(const ArrayInfo& info);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_IMAGE_STRUCTURE_H_
