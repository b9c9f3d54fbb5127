// What the drivers do to make files through GDAL's multidimensional API.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_
#define GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_

#include <string>

#include "driver/raster/formats/array_format.h"
#include "driver/raster/gdal_compat.h"

namespace ndarray {

// GDALDriver::CreateMultiDimensional: an empty group, whose first array makes the file
// (md_create.h) with these options and its own, which take precedence. nullptr after one GDAL
// error.
GDALDataset* CreateMultidim(const ArrayFormat& format, const char* path, CSLConstList options);

// Whether the source of a copy is groups and arrays, such as GDAL's own programs for these copy,
// and no raster: not one of GDAL's, and none of ours unless the other was asked for, too.
bool IsMultidimSource(GDALDataset& source);

// GDALDriver::CreateCopy of one: of all its arrays, which must be one. A file that is not complete
// is deleted.
GDALDataset* CopyMultidim(const ArrayFormat& format, const char* path, GDALDataset& source,
                          bool strict, CSLConstList options, GDALProgressFunc progress,
                          void* progress_data);

// GDAL_DMD_MULTIDIM_ARRAY_CREATIONOPTIONLIST, and the same of datasets, which the element `root`
// tells apart: those of a raster, but for its sides and axes, and BLOCKSIZE (chunks) and BLOCKS:
// comma-separated lists, one number for each dimension.
std::string MultidimOptions(const ArrayFormat& format, const std::string& root);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_ARRAY_MULTIDIM_H_
