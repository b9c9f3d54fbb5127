// Overviews of a new file.
#ifndef GDAL_NDARRAY_TOOLS_CONVERT_OVERVIEWS_H_
#define GDAL_NDARRAY_TOOLS_CONVERT_OVERVIEWS_H_

#include <string>

#include "driver/raster/gdal_compat.h"

namespace ndarray::tools {

// Builds PATH.ovr: each overview half the size of the one before, down to the first below 256
// pixels. Averages, but nearest neighbours where values are names (palettes, categories). Throws a
// Failure that says that the image itself is complete; nothing is left of the overviews then.
void BuildOverviews(const std::string& path, GDALProgressFunc progress);

}  // namespace ndarray::tools

#endif  // GDAL_NDARRAY_TOOLS_CONVERT_OVERVIEWS_H_
