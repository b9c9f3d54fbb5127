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

// What an image's level is called, of which each pixel is 2^number by 2^number of the image's: "3"
// of "0", "values_3" of others.
std::string LevelAsset(const std::string& image, int number);

// Of the group of an image and its levels of these factors, rising powers of two: Zarr's convention
// "multiscales". `method` is one of its words, such as "average".
std::vector<Attribute> PyramidAttributes(const std::string& image, const std::vector<int>& factors,
                                         const std::string& method);

// The attribute zarr_conventions of a group, with that of pyramids among its declarations.
std::string WithMultiscales(const std::string& declared);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_METADATA_LEVEL_METADATA_H_
