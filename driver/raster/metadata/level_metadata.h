// What the attributes of a pyramid's levels say, and those of the group that these are in.
#ifndef GDAL_NDARRAY_RASTER_METADATA_LEVEL_METADATA_H_
#define GDAL_NDARRAY_RASTER_METADATA_LEVEL_METADATA_H_

#include <string>
#include <vector>

#include "driver/store/attributes.h"

namespace ndarray {

// Of a level of which each pixel is `factor` by `factor` of the image's, out of the image's
// (stored_metadata.h): CRS, axes, a geotransform of its own; of each band what its pixels mean
// (nodata, colours, unit). Not masks, and nothing that the image says of itself alone.
std::vector<Attribute> LevelAttributes(const std::vector<Attribute>& image, int factor);

// Of the group of the image "0" and its levels "1", "2" ..., each half of the one before: Zarr's
// convention "multiscales". `method` is one of its words, such as "average".
std::vector<Attribute> PyramidAttributes(size_t levels, const std::string& method);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_LEVEL_METADATA_H_
