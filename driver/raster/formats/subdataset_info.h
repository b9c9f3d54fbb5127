// Which part of a dataset's name is its path: for those who move files, such as VRTs, which keep
// the paths of their sources relative to themselves.
#ifndef GDAL_NDARRAY_RASTER_FORMATS_SUBDATASET_INFO_H_
#define GDAL_NDARRAY_RASTER_FORMATS_SUBDATASET_INFO_H_

#include "driver/raster/gdal_compat.h"

namespace ndarray {

#if NDARRAY_HAS_SUBDATASET_INFO
// What GDALGetSubdatasetInfo answers for a name with the driver's prefix; nullptr for others.
GDALSubdatasetInfo* MakeSubdatasetInfo(const char* name, const char* driver);
#endif

}  // namespace ndarray

#endif  // GDAL_NDARRAY_RASTER_FORMATS_SUBDATASET_INFO_H_
