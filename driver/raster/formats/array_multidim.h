// What the drivers do to make files through GDAL's multidimensional API.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_

#include <string>

#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// GDALDriver::CreateMultiDimensional: an empty group, whose first array makes the file
// (md_create.h). nullptr after one GDAL error.
GDALDataset* CreateMultidim(const ArrayFormat& format, const char* path);

// GDAL_DMD_MULTIDIM_ARRAY_CREATIONOPTIONLIST: those of a raster, but for its sides and axes, and
// BLOCKSIZE (chunks) and BLOCKS: comma-separated lists, one number for each dimension.
std::string MultidimArrayOptions(const ArrayFormat& format);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_
