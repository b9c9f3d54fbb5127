// A raster, or its masks, as the source of a new array.
#ifndef GDAL_NDARRAY_RASTER_CREATE_RASTER_SOURCE_H_
#define GDAL_NDARRAY_RASTER_CREATE_RASTER_SOURCE_H_

#include "driver/raster/create/copy_pixels.h"
#include "driver/raster/create/new_array.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// All pixels of all bands, converted to array.type. Where the source has its bands together they
// are read together, so that its blocks are decoded once; blocks that the copy has behind it are
// taken out of GDAL's block cache (SourceCache). Both must outlive the result.
// REQUIRES: array's axes have one letter each of B, Y and X at most, and X
PixelSource PixelsOf(GDALDataset& source, const NewArray& array);

// The masks of the first array.bands bands, as bytes.
PixelSource MasksOf(GDALDataset& source, const NewArray& array);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_RASTER_SOURCE_H_
