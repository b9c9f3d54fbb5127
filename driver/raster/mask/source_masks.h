// The masks that the source of a copy has.
#ifndef GDAL_NDARRAY_RASTER_MASK_SOURCE_MASKS_H_
#define GDAL_NDARRAY_RASTER_MASK_SOURCE_MASKS_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

// How many masks a source has that are neither all valid nor follow from nodata values or an alpha
// band: 1 for all bands, or one for each.
struct SourceMasks {
  int count = 0;  // 0: none
  bool per_dataset = false;
};

SourceMasks FindMasks(GDALDataset& source);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MASK_SOURCE_MASKS_H_
