// The dimensions of an array, and the positions along them where these are known.
#ifndef GDAL_NDARRAY_RASTER_MULTIDIM_MD_DIMENSION_H_
#define GDAL_NDARRAY_RASTER_MULTIDIM_MD_DIMENSION_H_

#include <memory>
#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/multidim/open_array.h"

namespace ndarray {

// One for each axis, in `group` (its full name). An axis has an indexing variable where the file
// has coordinates of it, or a geotransform without rotation: then at the centres of pixels.
std::vector<std::shared_ptr<GDALDimension>> MakeDimensions(const std::string& group,
                                                           const OpenArray& array);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_MULTIDIM_MD_DIMENSION_H_
