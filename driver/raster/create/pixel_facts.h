// What pixels of a source must be known of before a mean is made of them.
#ifndef GDAL_NDARRAY_RASTER_CREATE_PIXEL_FACTS_H_
#define GDAL_NDARRAY_RASTER_CREATE_PIXEL_FACTS_H_

#include <string>
#include <vector>

#include "driver/raster/gdal_compat.h"
#include "driver/raster/gdal_types.h"

namespace ndarray {

// Whether values of a band are names, of which there is no average.
bool HoldsNames(GDALRasterBand& band);

// The nodata value of each band as an element of that type, in native byte order; empty for bands
// that have none, or one that no pixel can have. No bands, where none has one.
std::vector<std::string> NoDataElements(GDALDataset& source, const BandType& type);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_CREATE_PIXEL_FACTS_H_
